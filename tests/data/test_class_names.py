from signbit.data.class_names import class_name, nearly


def test_a_name_has_one_form() -> None:
    assert class_name("cafe\N{COMBINING ACUTE ACCENT}") == class_name("café") == "café"
    assert class_name("cat") == "cat"


def test_what_is_no_text_is_written_in_signs() -> None:
    assert class_name(b"caf\xe9".decode("utf-8", "surrogateescape")) == r"caf\xe9"
    assert class_name("a\tb\n") == r"a\tb\n"


def test_names_that_differ_in_case_or_blanks() -> None:
    names = ["Cat", "dog", "straße"]
    assert nearly("cat", names) == nearly("Cat ", names) == "Cat"
    assert nearly("STRASSE", names) == "straße"
    assert nearly("cow", names) is None
