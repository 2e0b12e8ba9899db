# SPDX-License-Identifier: MIT
"""Writes the shell completions for bash, zsh and fish from the argparse parser.

usage: completion.py FOLDER (the files are named as the shells want to find them: aptfreeze, _aptfreeze, aptfreeze.fish)

After `--` of `run` stands a command of the user: the shell's own completion is asked for it. A value is completed as a
file name unless it has choices.
"""

from __future__ import annotations

import sys
from pathlib import Path

from parser_tree import CommandLine, Option, Verb, command_line

BASH = """\
# bash completion for {program}
_{name}() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} verb= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${{COMP_WORDS[i]}} == -- ]]; then
            declare -F _command_offset >/dev/null && _command_offset $((i + 1))
            return
        fi
        [[ -z $verb && " {verbs} " == *" ${{COMP_WORDS[i]}} "* ]] && verb=${{COMP_WORDS[i]}}
    done
    local choices= words=
    case $verb:$before in
{values}
    esac
    case $verb in
{flags}
    esac
    mapfile -t COMPREPLY < <(compgen -W "${{choices:-$words}}" -- "$word")
}}
complete -o bashdefault -o default -F _{name} {program}
"""

ZSH = """\
#compdef {program}
# zsh completion for {program}
local -a verbs
verbs=(
{verbs}
)
local context state line
_arguments -C {top} '1: :->verb' '*:: :->rest' && return
case $state in
verb) _describe command verbs ;;
rest)
    case $line[1] in
{cases}
    esac
    ;;
esac
"""


FISH = """\
# fish completion for {program}
function __{name}_command --description "completions for the command after --"
    set -l words (commandline -opc)
    set -e words[1..(contains -i -- -- $words)]
    complete -C (string join " " -- $words (commandline -ct))
end
complete -c {program} -n __fish_use_subcommand -f
complete -c {program} -n "contains -- -- (commandline -opc)" -f -a "(__{name}_command)"
"""


def bash(line: CommandLine) -> str:
    """A function and its `complete` line."""
    return BASH.format(
        program=line.program,
        name=_identifier(line.program),
        verbs=" ".join(verb.name for verb in line.verbs),
        values="\n".join(_bash_choices(verb) for verb in (line.top, *line.verbs) if _bash_choices(verb)) or "    *) ;;",
        flags="\n".join(_bash_flags(verb, line) for verb in (line.top, *line.verbs)),
    )


def _bash_choices(verb: Verb) -> str:
    """The arms for flags whose value is one of few words."""
    return "\n".join(
        f'    {verb.name}:{flag}) choices="{" ".join(option.choices)}" ;;'
        for option in verb.options
        if option.choices
        for flag in option.flags
    )


def _bash_flags(verb: Verb, line: CommandLine) -> str:
    words = [flag for option in verb.options for flag in option.flags]
    if not verb.name:
        words += [each.name for each in line.verbs]
    return f'    "{verb.name}") words="{" ".join(words)}" ;;'


def zsh(line: CommandLine) -> str:
    """An autoloaded function by `_arguments`, with the help texts."""
    return ZSH.format(
        program=line.program,
        top=_zsh_options(line.top),
        verbs="\n".join(f"    {_quoted(f'{verb.name}:{verb.summary}')}" for verb in line.verbs),
        cases="\n".join(
            f"    {verb.name}) _arguments {_zsh_options(verb)} {_zsh_rest(verb)} ;;" for verb in line.verbs
        ),
    )


def _zsh_rest(verb: Verb) -> str:
    return "'*:: :_normal'" if verb.name == "run" else "'*: :_files'"


def _zsh_options(verb: Verb) -> str:
    return " ".join(_zsh_option(option, flag) for option in verb.options for flag in option.flags)


def _zsh_option(option: Option, flag: str) -> str:
    explanation = option.help.translate(str.maketrans("[]:", "(),"))
    action = f"({' '.join(option.choices)})" if option.choices else "_files"
    return _quoted(f"{flag}[{explanation}]" + (f":{option.value}:{action}" if option.value else ""))


def fish(line: CommandLine) -> str:
    """One `complete` line for each verb and each flag."""
    lines = [FISH.format(program=line.program, name=_identifier(line.program)).rstrip()]
    no_verb = "__fish_use_subcommand"
    lines += [f"complete -c {line.program} -n {no_verb} -a {v.name} -d {_quoted(v.summary)}" for v in line.verbs]
    lines += [_fish_option(line.program, no_verb, option) for option in line.top.options]
    for verb in line.verbs:
        seen = _quoted(f"__fish_seen_subcommand_from {verb.name}")
        lines += [_fish_option(line.program, seen, option) for option in verb.options]
    return "\n".join(lines) + "\n"


def _fish_option(program: str, condition: str, option: Option) -> str:
    spelled = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags]
    value = ["-r"] if option.value else []
    value += [f"-f -a {_quoted(' '.join(option.choices))}"] if option.choices else []
    words = ["complete", "-c", program, "-n", condition, *spelled, *value, "-d", _quoted(option.help)]
    return " ".join(words)


def _quoted(text: str) -> str:
    """In single quotes; zsh and fish differ in how to write one inside, so that it becomes a typographic one."""
    return "'" + " ".join(text.split()).replace("'", "’").replace("\\", "") + "'"


def _identifier(text: str) -> str:
    return text.replace("-", "_")


if __name__ == "__main__":
    from aptfreeze.cli.parser import build_parser

    tree = command_line(build_parser())
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in {"aptfreeze": bash(tree), "_aptfreeze": zsh(tree), "aptfreeze.fish": fish(tree)}.items():
        (folder / file).write_text(text, encoding="utf-8")
        print(folder / file)
