"""Paths: the dialect of the service, reading, writing, failures and hostile texts."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflowsteps.asl import path_walk
from mlflowsteps.asl.paths import compile_path, compile_reference_path
from mlflowsteps.asl.payloads import Scope
from mlflowsteps.exceptions import InvalidExpression, PathError, StatesError

from .recordings import outcome

STORE = {
    "store": {
        "book": [
            {"category": "reference", "author": "Nigel Rees", "title": "Sayings", "price": 8.95},
            {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword", "price": 12.99},
            {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553", "price": 8.99},
            {"category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord", "isbn": "0-395", "price": 22.99},
        ],
        "bicycle": {"color": "red", "price": 19.95},
    },
    "expensive": 10,
    "a b": {"é": 1, "k-x": [1, [2, 3]], "quo'te": True},
}


def read(path, document=STORE, **scope):
    return compile_path(path).read(Scope(document, **scope))


DEFINITE = {
    "$": STORE,
    "$.expensive": 10,
    "$.store.bicycle.color": "red",
    "$['store']['bicycle']['color']": "red",
    '$["store"].bicycle["color"]': "red",
    "$.store.book[0].price": 8.95,
    "$.store.book[-1].title": "The Lord",
    "$['a b'].é": 1,
    "$['a b'].k-x[1][0]": 2,
    r"$['a b']['quo\'te']": True,
    "$.store.book[2]['author', 'price', 'missing']": {"author": "Herman Melville", "price": 8.99},
    "$.store.book.length()": 4,
    "$.store.bicycle.keys()": ["color", "price"],
    "$.store.book[0].title.length()": 7,
    "$..price.max()": 22.99,
    "$.store.book[*].price.min()": 8.95,
    "$..price.length()": 5,
    "$.store.book.first()": STORE["store"]["book"][0],
    "$.store.book.index(1)": STORE["store"]["book"][1],
}


@pytest.mark.parametrize("path", DEFINITE)
def test_a_definite_path_gives_the_value(path):
    assert compile_path(path).definite
    assert read(path) == DEFINITE[path]


INDEFINITE = {
    "$.store.book[*].price": [8.95, 12.99, 8.99, 22.99],
    "$.store.*.color": ["red"],
    "$..price": [8.95, 12.99, 8.99, 22.99, 19.95],
    "$..book[0].title": ["Sayings"],
    "$..book[0,1].title": ["Sayings", "Sword"],
    "$..book[:2].title": ["Sayings", "Sword"],
    "$..book[1:].price": [12.99, 8.99, 22.99],
    "$..book[-2:].price": [8.99, 22.99],
    "$.store.book[?(@.isbn)].title": ["Moby Dick", "The Lord"],
    "$.store.book[?(!@.isbn)].title": ["Sayings", "Sword"],
    "$.store.book[?(@.price < $.expensive)].title": ["Sayings", "Moby Dick"],
    "$..[?(@.color == 'red')].price": [19.95],
    "$.store.book[?(@.author =~ /.*REES/i)].price": [8.95],
    "$.store.book[?(@.author =~ /REES/)].price": [],
    "$.store.book[?(@.category in ['reference', 'x'])].price": [8.95],
    "$.store.book[?(@.category nin ['fiction'])].price": [8.95],
    "$.store.book[?(@.price > 8.95 && @.price <= 12.99)].price": [12.99, 8.99],
    "$.store.book[?(@.price == 8.95 || @.title == 'Moby Dick')].price": [8.95, 8.99],
    "$.store.book[?(!(@.price == 8.95 || @.isbn))].price": [12.99],
    "$.store.book[?(@['category'] != 'fiction')].price": [8.95],
    "$.store.book[?(@.price >= '12.99')].price": [],
    "$.store.book[?(@.price == '12.99')].price": [12.99],
    "$.store.book[?(@.title.length() == 5)].title": ["Sword"],
    "$.store.book[?(@.isbn == null)].price": [],
    "$.store.book[?(@.title size 5)].title": ["Sword"],
    "$.store.book[?(@.title contains 'Lord')].price": [22.99],
    "$.store.book[?(@.title empty true)]": [],
    "$.store.book[0]['author','price'].x": [],
    "$.missing[*]": [],
    "$.missing[0:2]": [],
    "$.missing..x": [],
    "$.expensive[*]": [],
    "$.store.book[*].missing": [],
}


@pytest.mark.parametrize("path", INDEFINITE)
def test_an_indefinite_path_gives_a_list(path):
    assert not compile_path(path).definite
    assert read(path) == INDEFINITE[path]


FILTERS = {  # which of ITEMS a filter selects, by their numbers
    "@.v === 1": [0], "@.v === '1'": [1], "@.v !== 1": [1, 2, 3, 4, 5], "@.none === @.none": [],
    "@.v === @.none": [], "@.none !== @.v": [0, 1, 2, 3, 4, 5], "@.v == 1": [0, 1],
    "@.v subsetof ['a', 'b', 'c']": [2, 4], "@.v anyof ['b', 'z']": [2, 3], "@.v noneof ['b', 'z']": [4],
    "@.v anyof 'b'": [], "@.v noneof 'b'": [], "@.v empty true": [4], "@.v empty false": [1, 2, 3, 5],
    "@.v size 2": [2, 3], "@.v contains 'b'": [2, 3], "@.v in [1, true]": [0, 1], "@.none in [1]": [],
    "@.v nin [1]": [2, 3, 4, 5], "@.v > 0": [0], "@.v >= '1'": [1, 5], "@.none < 1": [], "@.v == true": [],
}  # fmt: skip
ITEMS = [{"v": 1}, {"v": "1"}, {"v": ["a", "b"]}, {"v": ["b", "x"]}, {"v": []}, {"v": "text"}]


@pytest.mark.parametrize("expression", FILTERS)
def test_each_operator_of_a_filter_selects_what_it_says(expression):
    assert read(f"$[?({expression})]", ITEMS) == [ITEMS[number] for number in FILTERS[expression]]


def test_a_filter_tests_an_object_itself():
    assert read("$.store.bicycle[?(@.color == 'red')].price") == [19.95]


def test_recursive_wildcard_visits_every_value_once_per_parent():
    assert read("$..*", {"a": [1, {"b": 2}]}) == [[1, {"b": 2}], 1, {"b": 2}, 2]


def test_roots_name_input_context_and_variables():
    scope = {"context": {"Execution": {"Id": "x"}}, "variables": {"v": {"w": [1, 2]}}}
    assert read("$$.Execution.Id", {}, **scope) == "x"
    assert read("$$", {}, **scope) == scope["context"]
    assert read("$v", {}, **scope) == {"w": [1, 2]}
    assert read("$v.w[*]", {}, **scope) == [1, 2]
    assert compile_path("$v.w").root == "v"


CALLED = {
    "$.n.sum()": 10,
    "$.n.avg()": 2.5,
    "$.n.stddev()": 1.118033988749895,
    "$.n.min()": 1,
    "$.n.max()": 4,
    "$.n.max(9, 'x', true)": 9,
    "$.mixed.sum()": 3.5,
    "$.n.first()": 1,
    "$.n.last()": 4,
    "$.n.index(0)": 1,
    "$.n.index(-4)": 1,
    "$.n.length()": 4,
    "$.n.size()": 4,
    "$.o.size()": 2,
    "$.t.size()": 3,
    "$.one.length()": None,
    "$.o.keys()": ["a", "b"],
    "$.n.keys()": None,
    "$.texts.concat('!', 1)": "ab!1",
    "$.one.concat('x')": "x",
    "$.n.append(5, 'x')": [1, 2, 3, 4, 5, "x"],
    "$.one.append(5)": 1,
    "$.huge.max()": 10**400,
}
NUMBERS = {
    "n": [1, 2, 3, 4], "mixed": [1, "2", True, None, 2.5], "o": {"a": 1, "b": 2}, "t": "abc", "one": 1,
    "texts": ["a", "b"], "none": ["x"], "large": [1e200, -1e200], "larger": [1e308, 1e308], "huge": [10**400, 1.5],
}  # fmt: skip


@pytest.mark.parametrize("path", CALLED)
def test_a_function_ends_a_path(path):
    found = read(path, NUMBERS)
    assert found == CALLED[path]
    assert isinstance(found, bool) is isinstance(CALLED[path], bool)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("$.none.sum()", "using empty array"),
        ("$.o.avg()", "using empty array"),
        ("$.large.stddev()", "out of range"),
        ("$.larger.sum()", "out of range"),
        ("$.larger.avg()", "out of range"),
        ("$.huge.avg()", "out of range"),
        ("$.huge.sum()", "out of range"),
        ("$.n.index(4)", "index 4 of an array of 4 items"),
        ("$.n.index(-5)", "index -5 of an array of 4 items"),
        ("$.n.index('0')", 'index "0" of an array of 4 items'),
        ("$.t.first()", "index 0 of what is no array"),
    ],
)
def test_a_function_without_a_result_fails_the_state(path, text):
    with pytest.raises(StatesError, match=text) as caught:
        read(path, NUMBERS)
    assert caught.value.error == "States.Runtime"


@pytest.mark.parametrize("call", ["length(1)", "size(1)", "keys(1)", "first(0)", "last(0)", "index()", "index(1, 2)"])
def test_a_function_with_too_few_or_too_many_arguments_is_refused(call):
    for path in (f"$.a.{call}", f"$.a[?(@.{call} == 1)]"):
        with pytest.raises(InvalidExpression, match=r"takes [01] arguments, not [012]"):
            compile_path(path)


MISSING = {
    "$.x": "Invalid path '$.x' : No results for path: $['x']",
    "$.no.x": "Invalid path '$.no.x' : Missing property in path $['no']",
    "$.store.no.x": "Invalid path '$.store.no.x' : Missing property in path $['store']['no']",
    "$.store.no": "Invalid path '$.store.no' : No results for path: $['store']['no']",
    "$.store.book[9]": "Invalid path '$.store.book[9]' : No results for path: $['store']['book'][9]",
}


@pytest.mark.parametrize("path", MISSING)
def test_a_missing_value_is_told_in_the_service_s_words(path):
    with pytest.raises(PathError) as caught:
        read(path)
    assert (caught.value.error, caught.value.cause) == ("States.Runtime", MISSING[path])


def _no_object(place, found):
    name, _, inside = place.rpartition(" in ")
    return (
        f"Expected to find an object with property {name} in path {inside} but found '{found}'. This is not a json "
        "object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'."
    )


NODE = "com.fasterxml.jackson.databind.node."
OTHER_KIND = {
    "$.i.x": _no_object("['x'] in $['i']", NODE + "IntNode"),
    "$.f.x.y": _no_object("['x'] in $['f']", NODE + "DoubleNode"),
    "$.b.x": _no_object("['x'] in $['b']", NODE + "BooleanNode"),
    "$.t.x": _no_object("['x'] in $['t']", NODE + "TextNode"),
    "$.l.x": _no_object("['x'] in $['l']", NODE + "ArrayNode"),
    "$.l[0].x": _no_object("['x'] in $['l'][0]", NODE + "IntNode"),
    "$.n.x": _no_object("['x'] in $['n']", "null"),
    "$.n[0]": "The path $['n'] is null",
    "$.i[0]": "Filter: [0] can only be applied to arrays. Current context is: 1",
    "$.o[0]": 'Filter: [0] can only be applied to arrays. Current context is: {"k":2}',
    "$.t[1]": 'Filter: [1] can only be applied to arrays. Current context is: "text"',
}


@pytest.mark.parametrize("path", OTHER_KIND)
@pytest.mark.parametrize("root", ["$", "$$"])
def test_a_path_through_a_value_of_another_kind_fails_with_what_was_found(path, root):
    document = {"i": 1, "f": 1.5, "b": True, "t": "text", "l": [1], "n": None, "o": {"k": 2}}
    given = {"document": document} if root == "$" else {"document": None, "context": document}
    with pytest.raises(PathError) as caught:
        read(root + path[1:], **given)
    assert caught.value.error == "States.Runtime"
    assert str(caught.value.cause).endswith(OTHER_KIND[path])


def test_text_is_no_array():
    with pytest.raises(PathError):
        read("$.a[0]", {"a": "text"})


def test_an_index_past_the_end_is_marked_for_payload_templates():
    with pytest.raises(PathError) as past:
        read("$.a[5]", {"a": [1]})
    with pytest.raises(PathError) as deeper:
        read("$.a[5].x", {"a": [1]})
    assert past.value.past_end
    assert not deeper.value.past_end


BROKEN = {  # where the fault is, where the text has one place for it, and what is said
    "": (0, "a path begins with '$'"),
    "a": (0, "a path begins with '$'"),
    " $": (0, "a path begins with '$'"),
    "$.": (2, "expected a property name"),
    "$..": (3, "expected a property name"),
    "$.a.": (4, "expected a property name"),
    "$.a[": (4, "expected ']'"),
    "$.a[]": (5, "expected an index, a quoted name, '*', a slice or a filter in the brackets"),
    "$.a[x]": (4, "expected ']'"),
    "$.a['x]": (4, "the quote is not closed"),
    "$.a[1": (5, "expected ']'"),
    "$.a[1;2]": (5, "expected ']'"),
    "$ .a": (1, "expected '.' or '['"),
    "$.a b": (3, "expected '.' or '['"),
    "$.a[?(@.x ==)]": (12, "expected '@', '$', a string, a number, true, false, null, an array or a /regex/"),
    "$.a[?(@.x]": (9, "expected ')'"),
    "$.a[?(1)]": (7, "expected a comparison operator"),
    "$.a[?()]": (6, "expected '@', '$', a string, a number, true, false, null, an array or a /regex/"),
    "$.a[?(@.x =~ 'x')]": (None, "expected a /regular expression/ after =~"),
    "$.a[?(@.x =~ /[/)]": (None, "no regular expression: "),
    "$.a[?(@ ~ 1)]": (8, "expected ')'"),
    "$.a[?(@.x =~ /a/q)]": (None, "there is no flag 'q' of a regular expression"),
    "$.a.unknown()": (None, "there is no function 'unknown'"),
    "$.a.length().b": (12, "a function ends a path"),
    "$.a[?(@.x == /a/)]": (None, "a regular expression stands only beside =~"),
    "$.a[9999999999999999999999]": (4, "expected ']'"),
    "$.a[?(@.x in [1,)]": (13, "the array or object is no JSON"),
    "$[1:2:3]": (5, "expected ']'"),
    "$.a.length(": (11, "expected '@', '$', a string, a number, true, false, null, an array or a /regex/"),
    "$.a.length(1 2)": (13, "expected ','"),
    "$.'a'": (2, "expected a property name"),
    "$.a\n.b": (3, "expected '.' or '['"),
    "$)": (1, "expected '.' or '['"),
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_path_is_refused_with_place_and_reason(text):
    with pytest.raises(InvalidExpression) as caught:
        compile_path(text)
    position, reason = BROKEN[text]
    assert caught.value.position == position
    assert caught.value.reason.startswith(reason)


# --- oracle


ORACLE = [
    *[path for path in DEFINITE if "(" not in path and "," not in path and "\\" not in path],
    *[
        path
        for path in INDEFINITE
        if not any(mark in path for mark in ("length()", "nin", "size", "empty", "'12.99'", "'author','price'", "null"))
    ],
    "$..book[*]",
    "$.*",
    "$..*",
    "$['a b'].*",
    "$..['title']",
    "$.store..price",
    "$..book[?(@.price<10)]",
    "$[*]",
    "$..[0]",
]


@pytest.mark.parametrize("path", ORACLE)
def test_values_agree_with_another_library(path):
    jsonpath = pytest.importorskip("jsonpath")
    # It searches where Jayway matches the whole text, and takes no other order of values as given.
    theirs = jsonpath.findall(
        path.replace("/REES/)", "/^REES$/)").replace("@.author =~ /.*REES", "@.author =~ /.*Rees"), STORE
    )
    mine = read(path)
    mine = [mine] if compile_path(path).definite else mine
    assert sorted(map(json.dumps, mine)) == sorted(map(json.dumps, theirs))


# --- properties

NAMES = st.text(min_size=1, max_size=8)
LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)


def _bracket(key):
    return f"[{key}]" if isinstance(key, int) else "['" + key.replace("\\", "\\\\").replace("'", "\\'") + "']"


@given(st.dictionaries(NAMES, DOCUMENTS, max_size=3), st.lists(NAMES, min_size=1, max_size=4), DOCUMENTS)
def test_a_reference_path_reads_what_it_writes(document, names, value):
    path = compile_reference_path("$" + "".join(map(_bracket, names)))
    before = copy.deepcopy(document)
    found = outcome(lambda: path.read(Scope(path.write(document, value))) == value)
    assert found in {True, "States.ResultPathMatchFailure"}
    assert document == before


def _places(node, keys=()):
    yield keys, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from _places(child, (*keys, key))


@given(DOCUMENTS)
def test_every_place_of_a_document_can_be_read(document):
    for keys, value in _places(document):
        assert read("$" + "".join(map(_bracket, keys)), document) is value


@given(
    st.text(max_size=40) | st.text(alphabet="$.@[]()?*'\"/\\=<>!&|~ ab01,:-", max_size=40).map(lambda t: "$" + t),
    DOCUMENTS,
)
def test_any_text_compiles_or_is_refused_and_any_path_reads_or_fails(text, document):
    try:
        path = compile_path(text)
    except InvalidExpression:
        return
    try:
        value = path.read(Scope(document, document, {}))
    except StatesError:
        return
    assert path.definite or isinstance(value, list)


@given(DOCUMENTS)
def test_descent_selects_every_value_below(document):
    assert len(read("$..*", document)) == sum(1 for _ in _places(document)) - 1


# --- hostile


def _deep(levels):
    value: dict = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def test_deep_documents_are_walked_without_recursion():
    assert len(read("$..a", _deep(50_000))) == 50_000


def test_a_walk_that_explodes_is_stopped(monkeypatch):
    monkeypatch.setattr(path_walk, "MAX_VISITS", 50_000)  # the real bound takes seconds to reach
    assert read("$..*..*", _deep(150))
    with pytest.raises(StatesError, match="visits more than 50000 nodes"):
        read("$..*..*", _deep(400))


def test_a_walk_may_visit_just_as_many_nodes_as_its_budget_has():
    budget = path_walk.Budget({})
    budget.spend(path_walk.MAX_VISITS)
    with pytest.raises(StatesError, match="visits more than"):
        budget.spend(1)


def test_a_long_path_is_refused():
    with pytest.raises(InvalidExpression):
        compile_path("$" + ".a" * 10_000)
    with pytest.raises(InvalidExpression):
        compile_path("$." + "a" * 100_000)


def test_a_deep_filter_is_refused():
    with pytest.raises(InvalidExpression, match="nested too deeply"):
        compile_path("$[?(" + "(" * 2_000 + "@.a" + ")" * 2_000 + ")]")
    with pytest.raises(InvalidExpression):
        compile_path("$" + "[?(@" * 300 + ".a" + ")]" * 300)


def _grouped(levels):
    return "$[?(" + "(" * (levels - 1) + "@.a" + ")" * (levels - 1) + ")]"


def test_filters_and_segments_go_to_a_bound_and_no_further():
    assert read(_grouped(24), [{"a": 1}, {}]) == [{"a": 1}]
    with pytest.raises(InvalidExpression, match="nested too deeply"):
        compile_path(_grouped(25))
    assert read("$[?((@.a) && (@.b) && (@.a || @.b) " + "&& (@.a)" * 30 + ")]", [{"a": 1, "b": 2}]) != []
    assert read("$" + ".a" * 256, _deep(256)) == {}
    with pytest.raises(InvalidExpression, match="more than 256 segments"):
        compile_path("$" + ".a" * 257)


def test_a_catastrophic_regular_expression_ends_in_an_error():
    path = compile_path("$[?(@.x =~ /(x+x+)+(x+x+)+(x+x+)+y/)]")
    with pytest.raises(StatesError, match="took too long"):
        path.read(Scope([{"x": "x" * 5_000}]))


# --- writing


def test_writing_shares_what_it_does_not_change():
    document = {"a": {"b": 1}, "c": {"d": [1, 2]}}
    written = compile_reference_path("$.a.x").write(document, 5)
    assert written == {"a": {"b": 1, "x": 5}, "c": {"d": [1, 2]}}
    assert written["c"] is document["c"]
    assert document == {"a": {"b": 1}, "c": {"d": [1, 2]}}


def test_writing_the_root_replaces_the_document():
    assert compile_reference_path("$").write({"a": 1}, 2) == 2


def test_writing_makes_missing_objects():
    assert compile_reference_path("$.a.b['c d']").write({}, 1) == {"a": {"b": {"c d": 1}}}


def test_writing_an_index_needs_it_to_be_there():
    path = compile_reference_path("$.a[1].b")
    assert path.write({"a": [0, {}]}, 1) == {"a": [0, {"b": 1}]}
    assert compile_reference_path("$[0]").write([1, 2], 5) == [5, 2]
    for document in ({"a": [0]}, {"a": {}}, {}, {"a": [0, 1]}):
        with pytest.raises(StatesError) as caught:
            path.write(document, 1)
        assert caught.value.error == "States.ResultPathMatchFailure"


def test_a_path_is_at_most_so_long():
    name = "a" * (8_192 - 2)
    assert read(f"$.{name}", {name: 1}) == 1
    with pytest.raises(InvalidExpression, match="at most 8192 characters"):
        compile_path(f"$.{name}a")


def test_writing_into_something_that_is_no_object_fails_in_the_service_s_words():
    with pytest.raises(StatesError) as caught:
        compile_reference_path("$.a").write([1], 2)
    assert caught.value.cause == "Unable to apply ReferencePath $.a to input [1]"


@pytest.mark.parametrize(
    "text",
    [
        "$.*",
        "$..a",
        "$[?(@.a)]",
        "$[0,1]",
        "$[0:1]",
        "$['a','b']",
        "$$.a",
        "$v.a",
        "$.a.length()",
        "$[-1]",
        "x",
    ],
)
def test_a_reference_path_names_one_place_of_the_document(text):
    with pytest.raises(InvalidExpression):
        compile_reference_path(text)
