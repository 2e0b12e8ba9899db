"""aptfreeze: freezes the apt repositories of an image build. See docs/ for the words used here."""

__version__ = "0.1.0"
