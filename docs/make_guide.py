#!/usr/bin/env python3
"""Renders the guide for reading on a code host.

    docs/make_guide.py            writes docs/guide/*.md
    docs/make_guide.py --check    compares the files with the sources, and checks the links of all documents

The sources are written for rustdoc: the module documentation of src/lib.rs, and the files that src/lib.rs and
src/guide.rs include as modules. A code host shows them with hidden lines of code and with links that it cannot follow.
This script removes the hidden lines, labels the code as Rust, and resolves the links:

- a link to another chapter becomes a relative link,
- a link to an item of the crate becomes a link to the file that defines it,
- any other link to an item becomes plain text.
"""

import argparse
import posixpath
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = "docs/guide"
HEADER = "<!-- Generated from {source} by `python3 docs/make_guide.py`. Do not edit. -->"
MARK = "by `python3 docs/make_guide.py`"

# Documents whose links are checked, besides the generated ones.
CHECKED = ["README.md", "CONTRIBUTING.md", "docs/*.md", "src/*.md"]

# Titles that do not follow from the name of the module.
TITLES = {
    "coming_from": "Coming from other inventories",
    "faq": "Frequently asked questions",
    "limits": "What this crate is not for",
    "mods": "Mods and content updates",
    "multiplayer": "From single player to multiplayer",
    "ui": "Widgets",
}


def read(path):
    """Returns the text of a file of the repository."""
    return (ROOT / path).read_text(encoding="utf-8")


# ---- Chapters


@dataclass
class Chapter:
    """A page of the generated guide."""

    name: str  # of the file, without `.md`
    path: str  # of the module that rustdoc shows, such as `crate::guide::chests`
    scope: str  # the module in which its links are resolved
    source: str  # the file, from the root of the repository
    text: str
    topics: str = ""  # for the table of contents

    @property
    def title(self):
        return TITLES.get(self.name) or self.name.replace("_", " ").capitalize()


def inner_docs(text):
    """Returns the module documentation at the start of a Rust file, with the files that it includes."""
    lines = []
    for line in text.splitlines():
        included = re.fullmatch(r'#!\[doc = include_str!\("(.+)"\)\]', line)
        if included:
            lines += ["", *read(f"src/{included[1]}").splitlines()]
        elif line.startswith("//!"):
            lines.append(line[3:].removeprefix(" "))
        else:
            break
    return "\n".join(lines) + "\n"


def included_chapters(rust_file, scope):
    """Returns the chapters that a Rust file includes as the documentation of empty modules."""
    pattern = r'((?:#\[doc = include_str!\(".+"\)\]\n|/// .*\n)+)pub mod (\w+) \{\}'
    chapters = []
    for docs, name in re.findall(pattern, read(rust_file)):
        texts, sources = [], []
        for line in docs.splitlines():
            included = re.fullmatch(r'#\[doc = include_str!\("(.+)"\)\]', line)
            if included:
                sources.append(posixpath.normpath(f"src/{included[1]}"))
            texts.append(read(sources[-1]).rstrip("\n") if included else line.removeprefix("/// "))
        text = "\n\n".join(texts) + "\n"
        chapters.append(Chapter(name, f"{scope}::{name}", scope, sources[0], text))
    return chapters


def find_chapters():
    """Returns all chapters in the order of the table of contents."""
    overview = Chapter("overview", "crate", "crate", "src/lib.rs", inner_docs(read("src/lib.rs")))
    overview.topics = "what all other chapters build on"
    guide = included_chapters("src/guide.rs", "crate::guide")
    topics = dict(re.findall(r"^//! \| [\[`](\w+)[\]`] \| (.+) \|$", read("src/guide.rs"), re.M))
    others = included_chapters("src/lib.rs", "crate")
    for chapter in guide + others:
        chapter.topics = topics.get(chapter.name) or first_sentence(chapter.text)
    return [overview, *guide, *others]


def first_sentence(text):
    """Returns the first paragraph of a chapter as an entry of a list: without a capital letter and a period."""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph[0].lower() + paragraph[1:].rstrip(".")


# ---- Items of the crate


@dataclass
class Item:
    """A public item of a module."""

    name: str
    file: str  # that defines it


@dataclass
class Module:
    """A module, as far as links need it."""

    file: str
    is_public: bool  # with all modules around it
    children: dict = field(default_factory=dict)
    items: dict = field(default_factory=dict)
    reexports: dict = field(default_factory=dict)  # name -> path


ITEM = re.compile(
    r"^(?P<attributes>(?:#\[.*\]\n)*)"
    r"pub (?:(?:const |unsafe |async )*fn|struct|enum|trait|union|const|static|type) (?P<name>\w+)",
    re.M,
)
INLINE_MODULE = re.compile(r"^(?P<public>pub )?mod (?P<name>\w+) \{\n(?P<body>.*?)^\}\n?", re.M | re.S)
CHILD_MODULE = re.compile(r"^(?P<public>pub )?mod (?P<name>\w+);", re.M)
REEXPORTS = re.compile(r"^pub use ([^;]+);", re.M)


def expand_use(tree):
    """Returns the paths of a use tree without its braces: `a::{b, c::D}` gives `a::b` and `a::c::D`."""
    prefix, brace, rest = tree.partition("{")
    if not brace:
        return [tree.strip()]
    paths, depth, part = [], 0, ""
    for char in rest[: rest.rindex("}")] + ",":
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            paths += expand_use(part) if part.strip() else []
            part = ""
        else:
            part += char
    return [prefix.strip() + path for path in paths]


def parse_module(text, is_public, file, folder):
    """Parses a module and its children. `folder` has the files of the children."""
    module = Module(file, is_public)
    for child in INLINE_MODULE.finditer(text):
        inner = re.sub(r"^ {4}", "", child["body"], flags=re.M)
        add_child(module, child, inner, file, folder)
    text = INLINE_MODULE.sub("", text)
    for child in CHILD_MODULE.finditer(text):
        child_file = f"{folder}/{child['name']}.rs"
        add_child(module, child, read(child_file), child_file, folder)
    for match in ITEM.finditer(text):
        if "doc(hidden)" not in match["attributes"]:
            module.items[match["name"]] = Item(match["name"], file)
    for tree in REEXPORTS.findall(text):
        for target in expand_use(tree):
            module.reexports[target.rsplit("::", 1)[-1]] = target
    return module


def add_child(module, declaration, text, file, folder):
    """Parses a child of a module and adds it."""
    name = declaration["name"]
    is_public = module.is_public and bool(declaration["public"])
    module.children[name] = parse_module(text, is_public, file, f"{folder}/{name}")


class Crate:
    """Finds the files that define items."""

    def __init__(self):
        self.root = parse_module(read("src/lib.rs"), True, "src/lib.rs", "src")

    def file(self, path, scope):
        """Returns the file of an item or a public module, or `None` if it is not found."""
        found = self.resolve(path, scope)
        if found is None:
            return None
        module, item = found
        if item is None:
            return module.file if module.is_public else None
        return item.file

    def resolve(self, path, scope):
        """Returns the module and the item that a path names. `None` if it is not found."""
        first, *rest = path.split("::")
        if first == "crate":
            return self.walk(self.root, rest)
        inside = self.module(scope)
        found = self.walk(inside, [first, *rest]) if inside else None
        return found or self.walk(self.root.children["prelude"], [first, *rest])

    def module(self, path):
        """Returns the module with an absolute path."""
        module = self.root
        for name in path.split("::")[1:]:
            module = module.children.get(name) if module else None
        return module

    def walk(self, module, names):
        """Follows names from a module. Returns the module and the item."""
        if not names:
            return module, None
        name, *rest = names
        if name in module.children:
            return self.walk(module.children[name], rest)
        # The other name, if there is one, is of a variant, a field, a method or a constant.
        if name in module.items and len(rest) < 2:
            return module, module.items[name]
        if name in module.reexports:
            first, *names = module.reexports[name].split("::")
            start = self.root if first == "crate" else module.children.get(first)
            return self.walk(start, names + rest) if start else None
        return None


# ---- Markdown

FENCE = re.compile(r"^(```+)(.*)$")
HEADING = re.compile(r"^(#{1,5}) (.+)$", re.M)
DEFINITION = re.compile(r"^\[(?P<name>[^]\n]+)\]: *(?P<destination>\S+)$\n?", re.M)
LINK = re.compile(
    r"(?P<code>(?P<ticks>`+).*?(?P=ticks))"
    r"|(?P<image>!?)(?<!\\)\[(?P<text>(?:`[^`]*`|\\.|[^][`\\])+)\]"
    r"(?:\((?P<destination>[^()\s]+)\)|\[(?P<reference>[^][]*)\])?",
    re.S,
)

# The words after a fence that rustdoc knows. Code with any other word is not Rust.
RUST_WORDS = re.compile(r"rust|no_run|ignore.*|should_panic|compile_fail|edition\d+|standalone_crate")


def blocks(text):
    """Splits Markdown into prose and code. Yields the words after the fence, or `None` for prose, and the lines."""
    fence, words, lines = None, None, []
    for line in text.splitlines():
        match = FENCE.match(line)
        if fence is None and match:
            yield None, lines
            fence, words, lines = match[1], match[2].strip(), []
        elif fence is not None and line.strip() == fence:
            yield words, lines
            fence, lines = None, []
        else:
            lines.append(line)
    yield None, lines


def prose(text):
    """Returns the Markdown without code blocks."""
    return "\n".join(line for words, lines in blocks(text) if words is None for line in lines)


def is_rust(words):
    """Returns whether a code block is compiled by rustdoc."""
    return all(RUST_WORDS.fullmatch(word) for word in re.split(r"[,\s]+", words) if word)


def visible_code(lines):
    """Returns the lines of a Rust example that rustdoc shows. A line that begins with `##` begins with `#` there."""
    shown = []
    for line in lines:
        code = line.lstrip()
        is_hidden = code == "#" or code.startswith("# ")
        if not is_hidden:
            shown.append(line.replace("##", "#", 1) if code.startswith("##") else line)
    return "\n".join(shown).strip("\n").splitlines()


def is_rust_path(destination):
    """Returns whether the destination of a link is a path of Rust, as opposed to a file, an anchor or an address."""
    return re.fullmatch(r"\w+(::\w+)*(\(\))?!?(#[\w-]+)?", destination) is not None


class Page:
    """The links of a chapter."""

    def __init__(self, chapter):
        self.chapter = chapter
        self.definitions = {match["name"]: match["destination"] for match in DEFINITION.finditer(prose(chapter.text))}
        self.targets = {}  # of the links in the short form, by label


class Renderer:
    """Renders chapters."""

    def __init__(self, chapters):
        self.crate = Crate()
        self.pages = {chapter.path: f"{chapter.name}.md" for chapter in chapters}
        self.pages["crate::guide"] = "index.md"

    def render(self, chapter):
        """Returns the generated page of a chapter."""
        page = Page(chapter)
        parts = [HEADER.format(source=chapter.source), "", f"# {chapter.title}", ""]
        for words, lines in blocks(chapter.text):
            if words is None:
                parts.append(self.render_prose("\n".join(lines), page))
            elif is_rust(words):
                parts += ["```rust", *visible_code(lines), "```"]
            else:
                parts += [f"```{words}", *lines, "```"]
        text = "\n".join(parts).rstrip() + "\n"
        targets = [f"[{label}]: {target}" for label, target in sorted(page.targets.items())]
        return text + "\n" + "\n".join(targets) + "\n" if targets else text

    def render_prose(self, text, page):
        """Resolves the links, and makes the headings one level lower, because the title of the page is above them."""
        text = DEFINITION.sub("", text)
        text = HEADING.sub(r"#\1 \2", text)
        return LINK.sub(lambda link: self.render_link(link, page), text)

    def render_link(self, link, page):
        """Returns a link with a destination that a code host can follow, or its text."""
        text = link["text"]
        if link["code"]:
            return link[0]
        if link["destination"] or link["reference"]:
            destination = link["destination"] or page.definitions.get(link["reference"], link["reference"])
            target = self.target(destination, page.chapter)
            return f"{link['image']}[{text}]({target})" if target else text
        # A link in the short form, or only text in brackets.
        target = self.target(page.definitions.get(text, text.strip("`")), page.chapter)
        if target:
            page.targets[text] = target
            return link[0]
        return text if text.startswith("`") else link[0]

    def target(self, destination, chapter):
        """Returns the destination of a link on a generated page. `None` if there is none."""
        if destination.startswith(("#", "http://", "https://")):
            return destination
        if not is_rust_path(destination):
            return self.moved(destination, chapter) if "/" in destination or "." in destination else None
        path, _, anchor = destination.partition("#")
        path = path.removesuffix("!").removesuffix("()")
        page = self.pages.get(path) or self.pages.get(f"{chapter.scope}::{path}")
        if page:
            return f"{page}#{anchor}" if anchor else page
        file = self.crate.file(path, chapter.scope)
        return file and posixpath.relpath(file, OUT)

    @staticmethod
    def moved(destination, chapter):
        """Returns a relative link to a file as seen from the folder of the generated pages."""
        file = posixpath.join(posixpath.dirname(chapter.source), destination)
        return posixpath.relpath(file, OUT)


def render_index(chapters):
    """Returns the page with the table of contents."""
    lines = [
        HEADER.format(source="src/guide.rs"),
        "",
        "# The guide",
        "",
        "Begin with the overview. The other chapters do not depend on each other. `cargo doc --open` shows the same",
        "text, with links to all items.",
        "",
    ]
    lines += [f"- [{chapter.title}]({chapter.name}.md): {chapter.topics}" for chapter in chapters]
    return "\n".join(lines) + "\n"


def render_guide():
    """Returns the text of all generated files by path."""
    chapters = find_chapters()
    renderer = Renderer(chapters)
    files = {f"{OUT}/{chapter.name}.md": renderer.render(chapter) for chapter in chapters}
    files[f"{OUT}/index.md"] = render_index(chapters)
    return files


# ---- Checks


def anchors(text):
    """Returns the anchors of all headings, as code hosts make them."""
    found = set()
    for _, heading in HEADING.findall(prose(text)):
        heading = LINK.sub(lambda link: link["text"] or link[0], heading).lower()
        base = anchor = re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
        number = 0
        while anchor in found:
            number += 1
            anchor = f"{base}-{number}"
        found.add(anchor)
    return found


def destinations(text):
    """Yields the destinations of all links of a document that are files or anchors."""
    text = prose(text)
    found = [match["destination"] for match in DEFINITION.finditer(text)]
    found += [link["destination"] for link in LINK.finditer(text) if link["destination"]]
    for destination in found:
        if not destination.startswith(("http://", "https://", "mailto:")) and not is_link_for_rustdoc(destination):
            yield destination


def is_link_for_rustdoc(destination):
    """Returns whether rustdoc checks a link: it names an item, as in the documents that are included in the sources."""
    return is_rust_path(destination) and ("::" in destination or destination.startswith("crate"))


def broken_links(path, text, files):
    """Yields a description of each link that leads nowhere. `files` has the texts of all documents by path."""
    for destination in destinations(text):
        file, _, anchor = destination.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
        if target not in files and not (ROOT / target).exists():
            yield f"{path}: there is no file `{target}`"
        elif anchor and target.endswith(".md") and anchor not in anchors(files.get(target) or read(target)):
            yield f"{path}: `{target}` has no heading `#{anchor}`"


def outdated_files(generated):
    """Yields a description of each file that differs from what is generated."""
    for path, text in generated.items():
        if not (ROOT / path).exists():
            yield f"{path}: it does not exist"
        elif read(path) != text:
            yield f"{path}: it is outdated"
    for path in stale_files(generated):
        yield f"{path}: it has no source"


def stale_files(generated):
    """Returns generated files whose chapter no longer exists."""
    there = [path.relative_to(ROOT).as_posix() for path in (ROOT / OUT).glob("*.md")]
    return [path for path in there if path not in generated and MARK in read(path)]


def check(generated):
    """Returns descriptions of all problems."""
    written = [path.relative_to(ROOT).as_posix() for pattern in CHECKED for path in sorted(ROOT.glob(pattern))]
    files = {**{path: read(path) for path in written}, **generated}
    problems = list(outdated_files(generated))
    for path, text in files.items():
        problems += broken_links(path, text, files)
    return problems


def write(generated):
    """Writes the generated files, and removes those without a source."""
    (ROOT / OUT).mkdir(parents=True, exist_ok=True)
    for path, text in generated.items():
        (ROOT / path).write_text(text, encoding="utf-8")
    for path in stale_files(generated):
        (ROOT / path).unlink()


def main():
    parser = argparse.ArgumentParser(description="Renders the guide for reading on a code host.")
    parser.add_argument("--check", action="store_true", help="compare the files and check all links, change nothing")
    arguments = parser.parse_args()
    generated = render_guide()
    if not arguments.check:
        write(generated)
        return
    problems = check(generated)
    print("\n".join(problems) or f"{len(generated)} pages are up to date, and no link is broken.")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
