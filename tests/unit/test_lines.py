"""One line: what is repaired, what is rejected and why, and the row that goes to COPY."""

import pytest

from etl.lines import REPAIR, clean_line
from tests.unit.cleaning import TABLE

LARGEST = 2**31 - 1
KEY = f"is not a positive whole number up to {LARGEST}: "
COUNT = f"is not a whole number up to {LARGEST}: "
PRICE = "is not a price of up to 12 digits and 6 decimals: "
FLAG = "is not one of 0 1 t f true false: "


@pytest.mark.parametrize(
    ("table", "spaced", "line", "row"),
    [
        ("skus", False, b'1,2,"XS",8', b'1,2,"XS",8\n'),
        ("skus", True, b'1, 2, "XS", 8', b'1,2,"XS",8\n'),
        ("skus", True, b'1,2, "XS",8', b'1,2,"XS",8\n'),
        ("skus", False, b"1,2,XS,8", b'1,2,"XS",8\n'),
        ("skus", False, b"1,2, XS ,8", b'1,2," XS ",8\n'),
        ("skus", True, b"1, 2,  XS , 8", b'1,2," XS ",8\n'),
        ("skus", False, b"1,2,null,null", b"1,2,null,null\n"),
        ("skus", True, b"1, 2, null, null", b"1,2,null,null\n"),
        ("skus", False, b"1,2,,", b"1,2,null,null\n"),
        ("skus", True, b"1, 2, , ", b"1,2,null,null\n"),
        ("skus", False, b'1,2,"null",0', b'1,2,"null",0\n'),
        ("skus", False, b"1,2,NULL,0", b'1,2,"NULL",0\n'),
        ("skus", False, b'1,2,"",0', b'1,2,"",0\n'),
        ("skus", False, b'"1","2",XS,"8"', b'1,2,"XS",8\n'),
        ("skus", False, b"007,0012,XS,000", b'7,12,"XS",0\n'),
        ("skus", False, b"2147483647,2147483647,XS,2147483647", None),
        ("skus", False, b'1,2,"a ""b"", c",8', b'1,2,"a ""b"", c",8\n'),
        ("skus", True, b'1, 2, "a, ""b"", c", 8', b'1,2,"a, ""b"", c",8\n'),
        ("skus", False, b'1,2,"\\.",8', b'1,2,"\\.",8\n'),
        ("skus", False, b'1,2,"a\rb\tc",8', b'1,2,"a\rb\tc",8\n'),
        ("skus", False, b"1,2,a\rb,8", b'1,2,"a\rb",8\n'),
        ("skus", False, '1,2,"größe",8'.encode(), '1,2,"größe",8\n'.encode()),
        ("features", False, b'1,2,"Cut",', b'1,2,"Cut",null\n'),
        ("photos", False, b'1,2,"u","uhttps://x"', b'1,2,"u","uhttps://x"\n'),
        ("products", False, b'1,"",,,,500000000', b'1,"",null,null,null,500000000\n'),
        ("products", False, b"1,a,b,c,d,007.50", b'1,"a","b","c","d",7.50\n'),
        ("products", False, b"1,a,b,c,d,0.5", b'1,"a","b","c","d",0.5\n'),
        ("products", False, b"1,a,b,c,d,000", b'1,"a","b","c","d",0\n'),
        ("products", False, b"1,a,b,c,d,123456789012.123456", None),
        ("styles", False, b"1,2,a,0,5,1", b'1,2,"a",null,5,t\n'),
        ("styles", False, b"1,2,a,00.000,0.00,0", b'1,2,"a",null,0.00,f\n'),
        ("styles", False, b"1,2,a,0.10,5,true", b'1,2,"a",0.10,5,t\n'),
        ("styles", True, b'1, 2, "a", 10, 5, "f"', b'1,2,"a",10,5,f\n'),
    ],
)
def test_a_clean_line_becomes_a_row(table, spaced, line, row):
    if row is None:  # only the texts gain their quotes
        cells = zip(TABLE[table].columns, line.split(b","), strict=True)
        row = b",".join(b'"%b"' % v if c.kind.name == "TEXT" else v for c, v in cells) + b"\n"
    assert clean_line(TABLE[table], spaced, line) == (row, None)


@pytest.mark.parametrize(
    ("table", "spaced", "line", "row"),
    [
        ("photos", False, b'48,12,"u","https://x', b'48,12,"u","https://x"\n'),
        ("photos", True, b'48, 12, "u", "a, b ""c""', b'48,12,"u","a, b ""c"""\n'),
        ("photos", False, b'48,12,"u","', b'48,12,"u",""\n'),
        ("skus", False, b'1,2,"XS","8', b'1,2,"XS",8\n'),
        ("related", False, b'1,2,"3', b"1,2,3\n"),
    ],
)
def test_a_missing_last_quote_is_repaired(table, spaced, line, row):
    assert clean_line(TABLE[table], spaced, line) == (row, REPAIR)


@pytest.mark.parametrize(
    ("table", "line", "reason"),
    [
        ("skus", b"", "too few fields: 1 of 4"),
        ("skus", b"1,2,XS", "too few fields: 3 of 4"),
        ("skus", b"1,2,XS,8,", "too many fields: 5 of 4"),
        ("products", b'1,"a","b","c","d, 5', "a quote that is never closed"),
        ("skus", b'1,2,"XS,8', "a quote that is never closed"),
        ("skus", b'1,2,3,4,"5', "a quote that is never closed"),
        ("skus", b'1,2,"XS"x,8', "text after a closing quote"),
        ("skus", b'1,2,"XS" ,8', "text after a closing quote"),
        ("skus", b'1,2, "XS",8', "a quote inside a field that does not begin with one"),
        ("skus", b'1,2,5",8', "a quote inside a field that does not begin with one"),
        ("skus", b"1,2,\xff,8", "not UTF-8 at byte 5 of the line"),
        ("skus", b"1,2,\xed\xa0\x80,8", "not UTF-8 at byte 5 of the line"),
        ("skus", b"1,2,\xc0\xaf,8", "not UTF-8 at byte 5 of the line"),
        ("skus", b"1,2,\xf4\x90\x80\x80,8", "not UTF-8 at byte 5 of the line"),
        ("skus", b"1,2,a\0b,8", "a NUL at byte 6 of the line"),
        ("skus", b"null,2,XS,8", "id is null"),
        ("skus", b"1,,XS,8", "style_id is null"),
        ("products", b"1,null,,,,5", "name is null"),
        ("products", b"1,a,,,,", "default_price is null"),
        ("features", b"1,2,,x", "feature is null"),
        ("styles", b"1,2,a,,5,", "default_style is null"),
        ("skus", b"0,2,XS,8", f"id {KEY}'0'"),
        ("skus", b"-1,2,XS,8", f"id {KEY}'-1'"),
        ("skus", b"+1,2,XS,8", f"id {KEY}'+1'"),
        ("skus", b" 1,2,XS,8", f"id {KEY}' 1'"),
        ("skus", b"1.0,2,XS,8", f"id {KEY}'1.0'"),
        ("skus", b'"",2,XS,8', f"id {KEY}''"),
        ("skus", b"2147483648,2,XS,8", f"id {KEY}'2147483648'"),
        ("skus", "\u0663,2,XS,8".encode(), f"id {KEY}'\u0663'"),
        ("skus", b"9" * 5000 + b",2,XS,8", f"id {KEY}'{'9' * 37}...'"),
        ("skus", b"1,0,XS,8", "unknown style"),
        ("skus", b"1,000,XS,8", "unknown style"),
        ("skus", b"1,-0,XS,8", f"style_id {KEY}'-0'"),
        ("skus", b"1,9999999999,XS,8", f"style_id {KEY}'9999999999'"),
        ("related", b"12,4,0", "unknown product"),
        ("related", b'12,"0",4', "unknown product"),
        ("skus", b"1,2,XS,-8", f"quantity {COUNT}'-8'"),
        ("skus", b"1,2,XS,8.0", f"quantity {COUNT}'8.0'"),
        ("skus", b'1,2,XS,"null"', f"quantity {COUNT}'null'"),
        ("skus", b"1,2,XS,2147483648", f"quantity {COUNT}'2147483648'"),
        ("products", b"1,a,b,c,d,-5", f"default_price {PRICE}'-5'"),
        ("products", b"1,a,b,c,d,5.", f"default_price {PRICE}'5.'"),
        ("products", b"1,a,b,c,d,.5", f"default_price {PRICE}'.5'"),
        ("products", b"1,a,b,c,d,1e3", f"default_price {PRICE}'1e3'"),
        ("products", b"1,a,b,c,d,NaN", f"default_price {PRICE}'NaN'"),
        ("products", b"1,a,b,c,d,5\r", "a field that ends with a carriage return"),
        ("features", b"1,2,Fabric,null\r", "a field that ends with a carriage return"),
        ("features", b"1,2,Fabric\r,null", "a field that ends with a carriage return"),
        ("products", b"1,a,b,c,d,0000000000001", f"default_price {PRICE}'0000000000001'"),
        ("products", b"1,a,b,c,d,1.1234567", f"default_price {PRICE}'1.1234567'"),
        ("styles", b"1,2,a,-0,5,1", f"sale_price {PRICE}'-0'"),
        ("styles", b'1,2,a,"",5,1', f"sale_price {PRICE}''"),
        ("styles", b"1,2,a,4,free,1", f"original_price {PRICE}'free'"),
        ("styles", b"1,2,a,4,5,2", f"default_style {FLAG}'2'"),
        ("styles", b"1,2,a,4,5,TRUE", f"default_style {FLAG}'TRUE'"),
        ("related", b'1,2,"x', f"related_product_id {KEY}'x'"),
    ],
)
def test_a_line_beyond_repair_is_rejected_with_its_reason(table, line, reason):
    assert clean_line(TABLE[table], False, line) == (None, reason)


def test_the_reason_is_the_first_that_explains_the_line():
    """The encoding goes before quotes, quotes before the number of fields, fields in order."""
    for line, reason in [
        (b'0,0,"\xff', "not UTF-8 at byte 6 of the line"),
        (b'0,0,5"', "a quote inside a field that does not begin with one"),
        (b"0,0,5", "too few fields: 3 of 4"),
        (b"0,0,5,x", f"id {KEY}'0'"),
        (b"1,0,5,x", "unknown style"),
    ]:
        assert clean_line(TABLE["skus"], False, line) == (None, reason)
