"""Reading the XML and the headers of S3's answers, with nothing lost: characters that XML 1.0 has
no room for come back as they were sent."""

import re
import urllib.parse
import xml.etree.ElementTree as ElementTree

# References to control characters, which AWS writes and XML 1.0 refuses, pass the parser as
# characters of a private area.
REFERENCE = re.compile(rb"&#x([01]?[0-9A-Fa-f]|FFFE|FFFF);")
PRIVATE = range(0xF0000, 0x100000)


def parse(answer):
    def hidden(match):
        return chr(PRIVATE[int(match[1], 16)]).encode()

    tree = ElementTree.fromstring(REFERENCE.sub(hidden, answer.body))
    for node in tree.iter():
        node.tag = node.tag.rsplit("}", 1)[-1]
        if node.text:
            node.text = "".join(chr(PRIVATE.index(ord(c))) if ord(c) in PRIVATE else c
                                for c in node.text)
    return tree


def only_text(tree, name):
    return tree.findtext(name) or ""


def decoded(text):
    """Of encoding-type=url, where a plus sign is a space."""
    return urllib.parse.unquote_plus(text)


def field(answer, name):
    """A quoted header without its quotes; None where it is missing or bare."""
    text = answer.headers.get(name, "")
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else None


def common_prefixes(tree, text):
    return [text(only_text(node, "Prefix")) for node in tree.iter("CommonPrefixes")]


def part_count(tree):
    node = tree.find("ObjectParts")
    count = None if node is None else node.findtext("PartsCount") or node.findtext("TotalPartsCount")
    return int(count) if count else None
