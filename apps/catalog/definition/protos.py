"""Texts of .proto files, compiled by protobuf's own compiler (grpcio-tools) in a process of its own."""

import base64
import binascii
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as File
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError

from apps.catalog.definition.expressions import has_template
from apps.catalog.definition.marks import _
from apps.catalog.definition.problems import Path, Problems

MAX_SIZE = 1024 * 1024  # characters, all files together
COMPILE_SECONDS = 20
_NAME = re.compile(r"(?!/)(?:(?!\.\.?/)[\w.-]+/)*[\w.-]+\.proto\Z")
_PLACE = re.compile(r"(?P<file>[^:\n]+):(?P<line>\d+):(?P<column>\d+): (?P<text>.+)")


@dataclass(frozen=True, slots=True)
class ProtoProblem:
    """What the compiler says of a *file*; *line* and *column* count from 1, 0 where it names none."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        place = f", line {self.line}, column {self.column}" if self.line else ""
        return f"{self.file}{place}: {self.text}" if self.file else self.text


class ProtoError(ValueError):
    """Files that cannot be compiled; ``problems`` says why, in the compiler's order."""

    def __init__(self, *problems: ProtoProblem) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)))


@lru_cache(64)
def compile_protos(files: tuple[tuple[str, str], ...]) -> FileDescriptorSet:
    """The types in *files* (name and text) with everything that they import. Raises ``ProtoError``."""
    for name, _text in files:
        if not _NAME.match(name):
            raise ProtoError(ProtoProblem("", 0, 0, f"“{name}” is not a file name like shop/inventory.proto"))
    if sum(len(text) for _name, text in files) > MAX_SIZE:
        raise ProtoError(ProtoProblem("", 0, 0, f"more than {MAX_SIZE} characters"))
    with TemporaryDirectory(prefix="integhub-proto-") as folder:
        made, source = File(folder, "set"), File(folder, "source")
        for name, text in files:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(text)
        options = [f"-I{source}", f"--descriptor_set_out={made}", "--include_imports"]
        command = [sys.executable, "-P", "-m", "grpc_tools.protoc", *options, *(name for name, _text in files)]
        try:
            done = subprocess.run(  # noqa: S603 - our own Python, no shell, and names that were checked
                command, cwd=folder, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise ProtoError(ProtoProblem("", 0, 0, "the compiler did not end in time")) from None
        if done.returncode:
            raise ProtoError(*_problems(done.stderr.replace(f"{source}/", "")))
        return FileDescriptorSet.FromString(made.read_bytes())


def _problems(output: str) -> list[ProtoProblem]:
    lines = [line for line in output.splitlines() if line.strip() and ": warning: " not in line]
    found = [match for match in map(_PLACE.match, lines) if match]
    if not found:
        return [ProtoProblem("", 0, 0, " ".join(lines) or "the compiler ended without a word")]
    return [ProtoProblem(one["file"], int(one["line"]), int(one["column"]), one["text"]) for one in found]


def read_descriptors(text: str) -> FileDescriptorSet:
    """The descriptor set in Base64. Raises ``ValueError`` when it is none."""
    try:
        found = FileDescriptorSet.FromString(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, DecodeError) as error:
        raise ValueError(f"it is no descriptor set in Base64: {error}") from None
    if not found.file:
        raise ValueError("it is no descriptor set in Base64: there is no file in it")
    return found


def check_protos(given: Mapping[str, Any], path: Path, problems: Problems) -> None:
    """Note what is wrong in ``proto`` and ``descriptors`` of a step, as far as their texts are written there."""
    descriptors, protos = given.get("descriptors"), given.get("proto")
    if isinstance(descriptors, str) and not has_template(descriptors):
        try:
            read_descriptors(descriptors)
        except ValueError as error:
            problems.add((*path, "descriptors"), _("cannot be read: {reason}"), reason=str(error))
    if not isinstance(protos, list) or not protos:
        return
    files = [(one.get("name"), one.get("text")) for one in protos if isinstance(one, Mapping)]
    if not all(isinstance(part, str) and not has_template(part) for file in files for part in file):
        return  # known only when the step runs
    names = [name for name, _text in files]
    try:
        compile_protos(tuple(files))
    except ProtoError as error:
        for problem in error.problems:
            inside = (names.index(problem.file), "text") if problem.file in names else ()
            problems.add((*path, "proto", *inside), _("cannot be compiled: {reason}"), reason=str(problem))
