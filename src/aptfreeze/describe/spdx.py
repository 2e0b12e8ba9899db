# SPDX-License-Identifier: MIT
"""A bill of materials as SPDX 2.3 in JSON, by the library of its makers. Needs the extra `sbom`."""

import io
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from email.utils import parseaddr

from spdx_tools.spdx.model.actor import Actor, ActorType
from spdx_tools.spdx.model.checksum import Checksum, ChecksumAlgorithm
from spdx_tools.spdx.model.document import CreationInfo, Document
from spdx_tools.spdx.model.package import (
    ExternalPackageRef,
    ExternalPackageRefCategory,
    Package,
    PackagePurpose,
)
from spdx_tools.spdx.model.relationship import Relationship, RelationshipType
from spdx_tools.spdx.model.spdx_no_assertion import SpdxNoAssertion
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

from aptfreeze import __version__
from aptfreeze.describe.bill import Bill, Component

_NAMESPACE = uuid.UUID("0c1f8f5e-64c5-5d0e-8a2b-6b7d1f4f9e3d")
"""Of document names: a name-based UUID (RFC 9562) says the same of the same content."""
_DOCUMENT, _ROOT = "SPDXRef-DOCUMENT", "SPDXRef-image"
_NO_ID = re.compile(r"[^A-Za-z0-9.-]")


def text(bill: Bill) -> str:
    """JSON, the same for the same bill."""
    ids = _ids(bill)
    document = Document(
        _creation(bill),
        packages=[_image(bill), *(_package(each, ids[each.purl]) for each in bill.components)],
        relationships=list(_relationships(bill, ids)),
    )
    stream = io.StringIO()
    write_document_to_stream(document, stream, validate=False)
    return stream.getvalue() + "\n"


def _creation(bill: Bill) -> CreationInfo:
    return CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id=_DOCUMENT,
        name=bill.name,
        document_namespace=f"urn:uuid:{uuid.uuid5(_NAMESPACE, bill.seed)}",
        creators=[Actor(ActorType.TOOL, f"aptfreeze-{__version__}")],
        created=bill.created.replace(tzinfo=None),
        document_comment=f"aptfreeze generation {bill.generation}, state {bill.state}",
    )


def _ids(bill: Bill) -> Mapping[str, str]:
    """SPDX 2.3, 7.2: letters, digits, dot and hyphen; what looks alike then gets a number."""
    taken: Counter[str] = Counter()
    ids = {}
    for each in bill.components:
        name = _NO_ID.sub("-", f"{each.name}-{each.version}-{each.architecture}")
        taken[name] += 1
        ids[each.purl] = f"SPDXRef-{name}" + (f"-{taken[name]}" if taken[name] > 1 else "")
    return ids


def _image(bill: Bill) -> Package:
    return Package(
        spdx_id=_ROOT,
        name=bill.name,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        primary_package_purpose=PackagePurpose.OPERATING_SYSTEM,
    )


def _package(each: Component, spdx_id: str) -> Package:
    return Package(
        spdx_id=spdx_id,
        name=each.name,
        download_location=SpdxNoAssertion(),
        version=each.version,
        file_name=each.path.rpartition("/")[2] or None,
        supplier=_supplier(each),
        files_analyzed=False,
        checksums=_checksums(each),
        homepage=each.homepage or None,
        source_info=f"pinned suite {each.suite}" if each.suite else None,
        license_concluded=SpdxNoAssertion(),
        license_declared=SpdxNoAssertion(),
        copyright_text=SpdxNoAssertion(),
        summary=each.summary or None,
        external_references=[ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", each.purl)],
        primary_package_purpose=PackagePurpose.SOURCE if each.is_source else PackagePurpose.LIBRARY,
    )


def _supplier(each: Component) -> Actor | SpdxNoAssertion:
    name, address = parseaddr(each.maintainer)
    return Actor(ActorType.ORGANIZATION, name, address or None) if name else SpdxNoAssertion()


def _checksums(each: Component) -> list[Checksum]:
    known = ((ChecksumAlgorithm.SHA256, each.sha256), (ChecksumAlgorithm.SHA512, each.sha512))
    return [Checksum(algorithm, digits) for algorithm, digits in known if digits]


def _relationships(bill: Bill, ids: Mapping[str, str]) -> Iterator[Relationship]:
    sources = {each.purl for each in bill.components if each.is_source}
    yield Relationship(_DOCUMENT, RelationshipType.DESCRIBES, _ROOT)
    for each in bill.components:
        if not each.is_source:
            yield Relationship(ids[each.purl], RelationshipType.PACKAGE_OF, _ROOT)
        for needed in each.depends:
            if needed in sources:
                yield Relationship(ids[needed], RelationshipType.GENERATES, ids[each.purl])
            else:
                yield Relationship(ids[each.purl], RelationshipType.DEPENDS_ON, ids[needed])
