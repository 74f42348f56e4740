"""XPath 1.0 over XML and HTML, by libxml2: no network, no entities, no document without end."""

from typing import Any

from lxml import etree

from apps.catalog.definition.expressions import ExpressionError

_MOST_FOUND = 10_000
_LONGEST = 4_000
DEFAULT_PREFIX = "default"
"""The prefix by which a path names what stands in a document's namespace without one."""


def compile_xpath(text: str) -> etree.XPath:
    """The XPath in *text*, to see whether it can be read. Raises ``ExpressionError``."""
    if len(text) > _LONGEST:
        raise ExpressionError(f"it is longer than {_LONGEST} characters")
    try:
        return etree.XPath(text, regexp=False)
    except etree.XPathError as error:
        raise ExpressionError(str(error)) from None


def parse_markup(text: str, *, is_html: bool) -> Any:
    """The document in *text*. Raises ``ValueError`` that says why there is none."""
    if not is_html and "<!ENTITY" in text:
        raise ValueError("it declares entities, which are not read")
    parser: Any
    if is_html:
        parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    else:
        parser = etree.XMLParser(
            encoding="utf-8", no_network=True, resolve_entities=False, load_dtd=False, huge_tree=False
        )
    try:
        root = etree.fromstring(text.encode(errors="replace"), parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from None
    if root is None:
        raise ValueError("there is no element in it")
    return root


def find(document: Any, path: str) -> list[Any]:
    """What *path* finds: the text of elements and attributes, or one number, text or truth. ``ExpressionError``."""
    namespaces = {prefix or DEFAULT_PREFIX: name for prefix, name in document.nsmap.items()}
    try:
        found = document.xpath(path, namespaces=namespaces, smart_strings=False)
    except etree.XPathError as error:
        raise ExpressionError(f"{path}: {error}") from None
    if not isinstance(found, list):
        return [int(found) if isinstance(found, float) and found.is_integer() else found]
    return [_text(one) for one in found[:_MOST_FOUND]]


def _text(node: Any) -> str:
    return node if isinstance(node, str) else str(node.xpath("string()"))
