"""The commands that need no host: a table, like `ops.host_commands`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ops.arguments import stack_name
from ops.command import Command
from ops.complete import SHELLS, script
from ops.result import show

SCHEMA_FILE = "project-manifest.schema.yaml"
OUTPUTS_FILE = "stack-outputs.schema.json"


def _validate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="manifest or folder of manifests (default: the stack's folder, without --stack manifests/)",
    )
    parser.add_argument(
        "--stack", type=stack_name, help="check host names and pools against Pulumi.<STACK>.yaml too"
    )
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _validate(options: argparse.Namespace) -> int:
    from ops.checks import manifests_of, validate

    paths = options.paths or [manifests_of(options.stack)]
    return show(validate(paths, options.stack), as_json=options.json)


def _schema_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when the file is out of date"
    )
    parser.add_argument(
        "--outputs", action="store_true", help="the schema of the stack's outputs instead of the manifest's"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help=f"file, - for standard output (default {SCHEMA_FILE}, of the outputs {OUTPUTS_FILE})",
    )
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _schema(options: argparse.Namespace) -> int:
    from ops.checks import schema

    output = options.output or (OUTPUTS_FILE if options.outputs else SCHEMA_FILE)
    return show(schema(output, check=options.check, outputs=options.outputs), as_json=options.json)


def _cost_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stack", required=True, type=stack_name, help="the stack that is paid for")
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _cost(options: argparse.Namespace) -> int:
    from ops.costs import cost, outputs

    result = cost(Path(), options.stack, lambda: outputs(Path(), options.stack))
    return show(result, as_json=options.json)


def _registry_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stack",
        required=True,
        action="append",
        type=stack_name,
        help="a stack (Pulumi.<STACK>.yaml); once for each",
    )
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _registry(options: argparse.Namespace) -> int:
    from ops.joined import registry
    from ops.pulumi import outputs

    return show(registry(options.stack, lambda stack: outputs(Path(), stack)), as_json=options.json)


def _completion_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that is to complete")


def _completion(options: argparse.Namespace) -> int:
    print(script(options.shell))
    return 0


COMMANDS = (
    Command(
        "cost",
        "Say what a stack costs a month, and what its edited settings would change.",
        "By server, pool and stack, from the outputs of its last update and the prices of codeb/data/vultr.yaml;\n"
        "servers of your own cost what nobody here knows, which is said, and is not 0. A project's own cost is\n"
        "said where it has its pool to itself. Needs the Pulumi CLI. Exit status: 0 said, 1 not, 2 wrong usage.\n\n"
        "  codeb cost --stack live\n"
        "  codeb cost --stack live --json",
        _cost_arguments,
        _cost,
    ),
    Command(
        "registry",
        "Join the registries of several stacks: every project with the stack that runs it.",
        "From the outputs of each stack's last update; nothing secret is asked for. With --json it is one document for\n"
        "programs that read a single stack's: `registry`, `projects`, and `servers` by stack. A project, a host name or\n"
        "a server that two stacks have is an error that names both. Needs the Pulumi CLI (docs/stacks.md).\n"
        "Exit status: 0 joined, 1 not, 2 wrong usage.\n\n"
        "  codeb registry --stack eu --stack us\n"
        "  codeb registry --stack eu --stack us --json | jq '.registry.projects | keys'",
        _registry_arguments,
        _registry,
    ),
    Command(
        "completion",
        "Print what makes a shell complete this command: verbs, options, projects, stacks.",
        "  bash: codeb completion bash > /etc/bash_completion.d/codeb   (or eval it in ~/.bashrc)\n"
        "  zsh:  codeb completion zsh > a folder of $fpath, as _codeb\n"
        "  fish: codeb completion fish > ~/.config/fish/completions/codeb.fish\n\n"
        "Ids are those of manifests/ in the folder that you are in; no server is asked.",
        _completion_arguments,
        _completion,
    ),
    Command(
        "validate",
        "Check manifests without any host.",
        "Each problem names file, line, column and path, what is wrong and what to write instead; all\n"
        "problems of all files come at once. Exit status: 0 no problems, 1 problems, 2 wrong usage.\n\n"
        "  codeb validate                        all of manifests/\n"
        "  codeb validate manifests/blog.yaml    one file\n"
        "  codeb validate --stack dev            all of a stack, with its host names and pools",
        _validate_arguments,
        _validate,
    ),
    Command(
        "schema",
        f"Write {SCHEMA_FILE}, the manifest's JSON Schema, or {OUTPUTS_FILE}, the outputs'.",
        "Editors with yaml-language-server complete and check a manifest that starts with\n"
        f"  # yaml-language-server: $schema=../{SCHEMA_FILE}\n\n"
        "  codeb schema            the manifest's\n"
        "  codeb schema --outputs  of the stack's outputs, for programs that read them (docs/outputs.md)\n"
        "  codeb schema --check    whether the file is up to date: exit status 1 when it is not",
        _schema_arguments,
        _schema,
    ),
)
