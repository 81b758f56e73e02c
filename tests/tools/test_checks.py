"""Each house rule fires on a tree that breaks it, and stays quiet on one that keeps it."""

import check_headers
import check_layers
import check_style
import pytest


@pytest.fixture
def tree_of(tmp_path):
    def make(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


def texts(findings):
    return [str(finding) for finding in findings]


@pytest.mark.parametrize("path, include", [
    ("engine/a.cpp", '"http/head.h"'),
    ("engine/a.cpp", '"tests/skip.h"'),
    ("http/a.h", '"s3/route.h"'),
    ("s3/a.cpp", '"health/probe.h"'),
    ("health/a.cpp", '"s3/route.h"'),
    ("bench/a.cpp", '"tests/skip.h"'),
    ("s3/a.cpp", '"tools/serve.h"'),
    ("engine/a.cpp", '"error.h"'),
    ("s3/store/a.cpp", '"../route.h"'),
    ("engine/socket.cpp", "<liburing.h>"),
    ("http/connection.cpp", '"llhttp.h"'),
    ("s3/auth/sigv4.cpp", "<openssl/hmac.h>"),
    ("s3/list.cpp", "<pugixml.hpp>"),
    ("engine/config.cpp", "<toml++/toml.h>"),
    ("s3/config.cpp", "<CLI/CLI.hpp>"),
    ("engine/a.cpp", "<doctest/doctest.h>"),
])
def test_layers_refuse(tree_of, path, include):
    root = tree_of({path: f"// A file.\n#include {include}\n"})
    findings = check_layers.check(root)
    assert len(findings) == 1 and findings[0].path == path and findings[0].line == 2


@pytest.mark.parametrize("path, include", [
    ("engine/a.cpp", '"engine/error.h"'),
    ("http/a.cpp", '"engine/error.h"'),
    ("s3/a.cpp", '"http/head.h"'),
    ("health/a.cpp", '"http/head.h"'),
    ("tools/serve.cpp", '"health/probe.h"'),
    ("tests/s3/a_test.cpp", '"s3/route.h"'),
    ("engine/ring.cpp", "<liburing.h>"),
    ("engine/ring_submit.h", "<liburing.h>"),
    ("bench/ring_floor.cpp", "<liburing.h>"),
    ("http/parser.cpp", "<llhttp.h>"),
    ("http/parser.cpp", '"llhttp.h"'),
    ("engine/tls_stream.cpp", "<openssl/ssl.h>"),
    ("s3/digest/md5.cpp", "<openssl/evp.h>"),
    ("s3/xml/read.cpp", "<pugixml.hpp>"),
    ("tools/config.cpp", "<toml++/toml.h>"),
    ("s3/a.cpp", "<string_view>"),
    ("tests/engine/ring_test.cpp", "<liburing.h>"),
])
def test_layers_allow(tree_of, path, include):
    assert check_layers.check(tree_of({path: f"// A file.\n#include {include}\n"})) == []


def test_layers_refuse_a_folder_outside_the_plan(tree_of):
    assert "outside" in texts(check_layers.check(tree_of({"lib/a.cpp": "// A file.\n"})))[0]


@pytest.mark.parametrize("path, text, what", [
    ("s3/a.cpp", "#include <string>\n", "opening comment"),
    ("tools/a.py", "import sys\n", "opening comment"),
    ("tools/a", "#!/bin/bash\nset -e\n", "opening comment"),
    ("s3/a.cpp", "// A file.\n" + "int x;\n" * 401, "402 lines"),
    ("s3/a.cpp", "// A file.\nvoid f() {\n" + "  g();\n" * 69 + "}\n", "71 lines"),
    ("s3/a.cpp", "// A file.\nvoid f(int a,\n       int b) {\n\n" + "  g();\n" * 67 + "}\n",
     "71 lines"),
    ("s3/a.cpp", "// A file.\nint x = 1;\nnamespace a {\nvoid f() {\n" + "  g();\n" * 69 + "}\n}\n",
     "71 lines"),
    ("tools/a.py", '"""A file."""\n\ndef f():\n' + "    g()\n" * 70, "71 lines"),
    ("tools/a.sh", "# A file.\nf() {\n" + "  g\n" * 69 + "}\n", "71 lines"),
    ("s3/utils.h", "// A file.\n", "tells a newcomer nothing"),
    ("s3/manager.cpp", "// A file.\n", "tells a newcomer nothing"),
    ("tests/common.py", '"""A file."""\n', "tells a newcomer nothing"),
    ("s3/a.cpp", "// A file.\n\tint x;\n", "a tab"),
    ("README.md", "see /" + "work/main\n", "one machine"),
    ("tools/a.sh", "# A file.\nls /" + "root/x\n", "one machine"),
])
def test_style_refuses(tree_of, path, text, what):
    findings = texts(check_style.check(tree_of({path: text})))
    assert len(findings) == 1 and what in findings[0]


@pytest.mark.parametrize("path, text", [
    ("s3/a.cpp", "// A file.\n" + "int x;\n" * 399),
    ("s3/a.cpp", "// A file.\nvoid f() {\n" + "  g();\n" * 68 + "}\n"),
    # Many declarations, then a short function: nothing of theirs counts as its length.
    ("s3/a.cpp", "// A file.\n" + "int f(int a,\n      int b);\n" * 60 + "\nint g() {\n  h();\n}\n"),
    ("s3/a.h", "// A file.\nclass A {\n" + "  int f();\n" * 100 + "};\n"),
    ("s3/a.cpp", "// A file.\nconstexpr int kTable[] = {\n" + "    1,\n" * 100 + "};\n"),
    ("tools/a.sh", "#!/usr/bin/env bash\n# A file.\nf() {\n  g\n}\n"),
    ("tools/a.py", '#!/usr/bin/env python3\n"""A file."""\n'),
    ("README.md", "no comment needed\n"),
    ("tests/a.go", "package a\n\nfunc f() {\n\tg()\n}\n"),
])
def test_style_allows(tree_of, path, text):
    assert texts(check_style.check(tree_of({path: text}))) == []


def test_headers_find_what_leans_on_its_includer(tree_of):
    root = tree_of({
        "s3/good.h": "// A file.\n#pragma once\n#include <string>\nstd::string f();\n",
        "s3/bad.h": "// A file.\n#pragma once\nstd::string f();\n",
        # The build would stop at the first of these, so that it is no matter of this check.
        "s3/first.h": "// A file.\n#pragma once\nstd::string g();\n",
        "s3/first.cpp": '// A file.\n#include "s3/first.h"\n#include "s3/bad.h"\n',
    })
    findings = check_headers.check(root)
    assert [finding.path for finding in findings] == ["s3/bad.h"]


def test_headers_are_compiled_again_only_when_something_below_changed(tree_of, monkeypatch):
    root = tree_of({
        "s3/low.h": "// A file.\n#pragma once\nusing Number = int;\n",
        "s3/high.h": '// A file.\n#pragma once\n#include "s3/low.h"\nNumber f();\n',
        "s3/alone.h": "// A file.\n#pragma once\n",
    })
    assert check_headers.check(root) == []
    compiled = []
    real = check_headers.compile_alone
    monkeypatch.setattr(check_headers, "compile_alone",
                        lambda r, header, o: compiled.append(header) or real(r, header, o))
    assert check_headers.check(root) == [] and compiled == []
    (root / "s3/low.h").write_text("// A file.\n#pragma once\n")
    assert [finding.path for finding in check_headers.check(root)] == ["s3/high.h"]
    assert compiled == ["s3/high.h", "s3/low.h"]
    compiled.clear()
    assert len(check_headers.check(root)) == 1 and compiled == ["s3/high.h"]
