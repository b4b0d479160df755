//! What templates print, and which are refused.

use super::super::{Limits, RenderError, Template};
use super::{prints, try_render};

#[test]
fn names_paths_and_literals() {
    prints(&[
        ("", ""),
        ("plain } text %} }} { % @@code@@", "plain } text %} }} { % @@code@@"),
        ("{{code}} {{ code }} {{\ncode\n}}", "482913 482913 482913"),
        ("{{ nope }}{{ nope.deeper[3].still }}{{ code.x }}{{ list.nope }}{{ }}", ""),
        ("{{ application.name }}", "Tom & <Co>"),
        ("{{ application['name'] }} {{ deep.er[0].x }} {{ deep['er'][zero]['x'] }}", "Tom & <Co> found found"),
        ("{{ list[0] }}{{ list[-1] }}[{{ list[6] }}{{ list[-7] }}]", "16[]"),
        ("{{ list.first }}{{ list.last }}{{ list.size }}", "166"),
        ("{{ code.size }} {{ application.size }} {{ user.first }}{{ user.size }} [{{ zero.size }}]", "6 1 FS []"),
        ("{{ 'a' }}{{ \"b'c\" }}{{ 12 }}{{ -3 }}{{ 1.50 }}{{ true }}{{ nil }}{{ blank }}", "ab'c12-31.5true"),
        ("{{ (1..3) }} {{ list }} {{ nested }} {{ price }} {{ no }}", "1..3 123456 1234 12.5 false"),
        ("{{ application }}", r#"{"name":"Tom & <Co>"}"#),
        ("{{ true.x }}{{ nil.x }}", ""),
    ]);
}

#[test]
fn conditions() {
    let holds = |condition: &str| try_render(&format!("{{% if {condition} %}}yes{{% else %}}no{{% endif %}}")).unwrap();
    for condition in [
        "code",
        "empty_text",
        "zero",
        "list",
        "true",
        "code == '482913'",
        "zero == 0",
        "zero == 0.0",
        "price > 12",
        "price >= 12.5",
        "1 < 2",
        "2 <= 2",
        "'a' < 'b'",
        "code != 1",
        "code <> 1",
        "nope == nil",
        "nothing == nope",
        "empty_text == empty",
        "empty_text == blank",
        "white == blank",
        "nope == blank",
        "no == blank",
        "white != empty",
        "nope != empty",
        "list contains 3",
        "request_language contains 'fr'",
        "names contains 'bob'",
        "code contains 48",
        "application contains 'name'",
        "(1..5) contains 3",
        "true or false and false",
        "nested == nested",
        "nil == nil",
        "true and true and true",
        "list != nested",
        "application == application",
    ] {
        assert_eq!(holds(condition), "yes", "{condition}");
    }
    for condition in [
        "nope",
        "nothing",
        "no",
        "false",
        "code == 482913",
        "code > 1",
        "nope > 1",
        "nope < 1",
        "nil < nil",
        "request_language contains 'de'",
        "nope contains 'x'",
        "code contains nope",
        "zero contains 0",
        "price < 12.5",
        "list contains '3'",
        "true and false or false",
        "false and true or true",
        "false and false or true",
        "empty_text == nil",
        "list == blank",
        "names contains nil",
        "list == users",
    ] {
        assert_eq!(holds(condition), "no", "{condition}");
    }
}

#[test]
fn blocks_of_conditions() {
    let language = |text: &str| {
        format!(
            "{{% if request_language contains '{text}' %}}A{{% elsif request_language contains 'fr' %}}B{{% else %}}C{{% endif %}}"
        )
    };
    prints(&[
        (&language("CA"), "A"),
        (&language("de"), "B"),
        ("{% unless no %}A{% endunless %}{% unless code %}B{% elsif zero == 0 %}C{% else %}D{% endunless %}", "AC"),
        ("{% case code %}{% when 1, 2 %}A{% when '482913' or 3 %}B{% else %}C{% endcase %}", "B"),
        ("{% case zero %} x {% when 1 %}A{% else %}C{% endcase %}{% case nope %}{% when nil %}N{% endcase %}", "CN"),
        ("{% case zero %}{% when 1 %}A{% endcase %}|", "|"),
        ("{% if true %} {% assign x = 1 %}\n{% else %} {% endif %}{{ x }}", "1"),
        ("{% if true %} {{ code }} {% endif %}", " 482913 "),
    ]);
}

#[test]
fn loops() {
    prints(&[
        ("{% for i in list %}{{ i }}{% if i == 3 %}{% break %}{% endif %},{% endfor %}", "1,2,3"),
        ("{% for i in list %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "13456"),
        ("{% for i in list limit:2 offset:1 %}{{ i }}{% endfor %}", "23"),
        ("{% for i in list reversed limit: 2 %}{{ i }}{% endfor %}", "21"),
        (
            "{% for i in list limit:2 %}{{ i }}{% endfor %}|{% for i in list offset:continue %}{{ i }}{% endfor %}",
            "12|3456",
        ),
        ("{% for i in (1..3) %}{{ i }}{% endfor %}{% for i in (zero..nope) %}{{ i }}{% endfor %}", "1230"),
        ("{% for i in (3..1) %}x{% else %}none{% endfor %}{% for i in nope %}x{% else %}none{% endfor %}", "nonenone"),
        ("{% for c in code %}[{{ c }}]{% endfor %}{% for c in empty_text %}x{% endfor %}", "[482913]"),
        ("{% for p in application %}{{ p[0] }}={{ p[1] }}{{ p.size }}{% endfor %}", "name=Tom & <Co>2"),
        (
            "{% for i in (7..9) %}{{ forloop.index }}{{ forloop.index0 }}{{ forloop.rindex }}{{ forloop.rindex0 }}{{ forloop.length }}{{ forloop.first }}{{ forloop.last }} {% endfor %}[{{ forloop.index }}]",
            "10323truefalse 21213falsefalse 32103falsetrue []",
        ),
        (
            "{% for i in (1..2) %}{% for j in (1..2) %}{{ forloop.parentloop.index }}{{ forloop.index }} {% endfor %}{% endfor %}",
            "11 12 21 22 ",
        ),
        ("{% for i in (1..2) %}{% for j in (1..9) %}{% break %}{% endfor %}{{ i }}{% endfor %}", "12"),
        ("{% assign i = 7 %}{% for i in (1..2) %}{{ i }}{% assign i = 5 %}{% endfor %}{{ i }}", "125"),
        ("a{% break %}b", "a"),
        ("{% for i in (1..3) %}{% cycle 'a', 'b' %}{% endfor %}{% cycle 'x', 'y' %}", "abax"),
        ("{% cycle 'g': 1, 2 %}{% cycle code: 1, 2 %}{% cycle 'g': 3, 4 %}", "114"),
        ("{% increment n %}{% increment n %}{% decrement n %}{{ n }}{% decrement m %}", "0111-1"),
        (
            "{% tablerow i in (1..3) cols:2 %}{{ i }}{{ tablerowloop.col_last }}{% endtablerow %}",
            "<tr class=\"row1\">\n<td class=\"col1\">1false</td><td class=\"col2\">2true</td></tr>\n<tr class=\"row2\"><td class=\"col1\">3false</td></tr>\n",
        ),
        ("{% tablerow i in nope %}x{% endtablerow %}", "<tr class=\"row1\">\n</tr>\n"),
    ]);
}

#[test]
fn variables_raw_comments_and_white_space() {
    prints(&[
        ("{% assign x = code | append: '!' %}{{ x }}{% assign x = nope %}[{{ x }}]", "482913![]"),
        ("{% capture x %}<{{ code }}>{% endcapture %}{{ x | size }}{{ x }}", "8<482913>"),
        ("{% raw %}{{ code }} {% if %}{% endraw %}{{ code }}", "{{ code }} {% if %}482913"),
        ("a{% comment %}{% comment %}{{ x {% endcomment %} {% bogus %}{% endcomment %}b", "ab"),
        ("a {{- code -}} b {%- if true -%} c {%- endif -%} d", "a482913bcd"),
        ("a {%- comment -%} x {%- endcomment -%} b {%- raw -%} {{ {%- endraw -%} c", "ab{{c"),
        ("{{-code-}}", "482913"),
        ("é{{ '✓' }}🎉", "é✓🎉"),
    ]);
}

#[test]
fn text_filters() {
    prints(&[
        ("{{ code | append: 1 | prepend: 'A' }}{{ nope | append: nope }}", "A4829131"),
        ("{{ 'tITLE éa' | capitalize }}{{ 'ab' | upcase }}{{ 'AB' | downcase }}{{ nope | upcase }}", "Title éaABab"),
        ("[{{ ' a ' | strip }}][{{ ' a ' | lstrip }}][{{ ' a ' | rstrip }}]", "[a][a ][ a]"),
        (
            "{{ 'a-b-c' | replace: '-', '+' }} {{ 'a-b-c' | replace_first: '-', '+' }} {{ 'abc' | replace: '', 'x' }}",
            "a+b+c a+b-c xaxbxcx",
        ),
        ("{{ 'a-b-c' | remove: '-' }} {{ 'a-b-c' | remove_first: '-' }} {{ 'aa' | replace: 'a' }}", "abc ab-c "),
        ("{{ 'Ground control to Major Tom.' | truncate: 20 }}", "Ground control to..."),
        (
            "{{ 'Ground control' | truncate: 8, '' }}|{{ 'éé' | truncate: 2 }}|{{ 'abc' | truncate: 1 }}",
            "Ground c|éé|...",
        ),
        (
            "{{ 'a  b c d' | truncatewords: 2 }} {{ 'a b' | truncatewords: 2 }} {{ 'a b' | truncatewords: 0, '!' }}",
            "a b... a b a!",
        ),
        (
            "{{ 'a,b,,c,,' | split: ',' | join: '|' }} {{ ' a  b ' | split: ' ' | size }} {{ 'abc' | split: '' | join: '.' }}",
            "a|b||c 2 a.b.c",
        ),
        (
            "{{ 'a<b>&\"c\"' | escape }} {{ '1 < 2 &amp; 3 & &#39;' | escape_once }} {{ \"'\" | escape }}",
            "a&lt;b&gt;&amp;&quot;c&quot; 1 &lt; 2 &amp; 3 &amp; &#39; &#39;",
        ),
        (
            "{{ 'a b&c/é~*' | url_encode }} {{ 'a+b%26%C3%A9%zz%+1%' | url_decode }} {{ '%FF' | url_decode }}",
            "a+b%26c%2F%C3%A9~%2A a b&é%zz% 1% \u{fffd}",
        ),
        ("{{ '<p>a <b>b</b><!-- <i> --><script>x</script><style>y</style> 1 < 2' | strip_html }}", "a b 1 < 2"),
        ("{{ 'a\nb\r\nc' | newline_to_br }}|{{ 'a\nb\r\nc' | strip_newlines }}", "a<br />\nb<br />\nc|abc"),
        (
            "{{ 'abcdef' | slice: 1, 3 }} {{ 'abc' | slice: -2 }} {{ 'abc' | slice: 9 }}{{ 'abc' | slice: -9 }}{{ 'éa' | slice: 0 }}",
            "bcd b é",
        ),
        (
            "{{ nope | default: 'd' }}{{ empty_text | default: 'e' }}{{ no | default: 'f' }}{{ no | default: 'g', allow_false: true }}{{ zero | default: 'h' }}{{ nope | default }}",
            "deffalse0",
        ),
        ("{{ code | size }}{{ list | size }}{{ nope | size }}{{ 5 | size }}", "6600"),
    ]);
}

#[test]
fn number_filters() {
    prints(&[
        (
            "{{ 1 | plus: 2 }} {{ '3' | plus: '4.5' }} {{ 'x' | plus: 1 }} {{ nope | plus: 1 }} {{ '12abc' | plus: 0 }}",
            "3 7.5 1 1 12",
        ),
        (
            "{{ 4 | minus: 2 }} {{ 0.1 | plus: 0.2 }} {{ 183.357 | times: 12 }} {{ 3.0 | plus: 2 }}",
            "2 0.3 2200.284 5.0",
        ),
        (
            "{{ 20 | divided_by: 7 }} {{ 20 | divided_by: 7.0 }} {{ -7 | divided_by: 2 }} {{ 7 | divided_by: -2 }}",
            "2 2.857142857142857 -4 -4",
        ),
        ("{{ 7 | modulo: 3 }} {{ -7 | modulo: 3 }} {{ 183.357 | modulo: 12 }}", "1 2 3.357"),
        (
            "{{ 1.2 | ceil }}{{ 1.8 | floor }}{{ '3.5' | ceil }}{{ 4 | floor }} {{ 2.5 | round }} {{ -2.5 | round }} {{ 183.357 | round: 2 }} {{ 5 | round: 1 }}",
            "2144 3 -3 183.36 5",
        ),
        ("{{ -17 | abs }} {{ '-1.5' | abs }} {{ 4 | at_least: 5 }} {{ 4 | at_most: 3.5 }}", "17 1.5 5 3.5"),
    ]);
    for text in [
        "{{ 1 | divided_by: 0 }}",
        "{{ 1 | modulo: 0 }}",
        "{{ 1.0 | divided_by: 0 }}",
        "{{ 1 | modulo: 0.0 }}",
        "{{ 9223372036854775807 | plus: 1 }}",
        "{{ -9223372036854775808 | abs }}",
        "{{ -9223372036854775808 | divided_by: -1 }}",
        "{{ -9223372036854775808 | modulo: -1 }}",
        "{{ 9999999999 | times: 9999999999 }}",
        "{{ 10000000000000000000.5 | ceil }}",
    ] {
        assert_eq!(try_render(text), Err(RenderError::Number), "{text}");
    }
    assert_eq!(try_render("{{ '99999999999999999999' | minus: 1 }}").unwrap(), "9223372036854775806");
}

#[test]
fn list_filters() {
    prints(&[
        ("{{ list | first }}{{ list | last }}{{ code | first }}{{ nope | last }}", "16"),
        (
            "{{ list | join }} {{ nested | join: '-' }} {{ nope | join: '-' }}{{ code | join }}",
            "1 2 3 4 5 6 1-2-3-4 482913",
        ),
        (
            "{{ list | reverse | join: '' }} {{ list | slice: 1, 2 | join: '' }} {{ list | slice: -2, 9 | join: '' }}",
            "654321 23 56",
        ),
        ("{{ names | sort | join: ',' }} {{ names | sort_natural | join: ',' }}", "Adam,bob,zoe, Adam,bob,zoe,"),
        (
            "{{ users | sort: 'age' | map: 'name' | join: ',' }} {{ users | sort_natural: 'name' | map: 'age' | join: ',' }}",
            "Zed,amy, 20,3,",
        ),
        ("{{ application | map: 'name' }} {{ list | map: 'x' | join }}", "Tom & <Co>      "),
        ("{{ (1..5) | reverse | join: '' }} {{ (1..3) | size }}", "54321 3"),
        (
            "{% assign l = '3 1 2' | split: ' ' | sort %}{% for i in l %}{{ i }}{% endfor %}{{ l[1] }}{{ l.last }}",
            "12323",
        ),
    ]);
}

#[test]
fn dates() {
    prints(&[
        ("{{ 'now' | date: '%Y-%m-%d %H:%M:%S.%L' }}", "2026-01-02 03:04:05.678"),
        (
            "{{ 'today' | date: '%A %a %B %b %-d %e %j %y %C %u %w %V %G' }}",
            "Friday Fri January Jan 2  2 002 26 20 5 5 01 2026",
        ),
        (
            "{{ 0 | date: '%F %T %R %D %r %p %P %I %l %k %s %z %:z %Z %c' }}",
            "1970-01-01 00:00:00 00:00 01/01/70 12:00:00 AM AM am 12 12  0 0 +0000 +00:00 UTC Thu Jan  1 00:00:00 1970",
        ),
        ("{{ '1767323045' | date: '%H' }} {{ '2026-07-08T09:10:11+02:00' | date: '%H %z' }}", "03 09 +0200"),
        ("{{ '2026-07-08' | date: '%d.%m.%Y' }} {{ '2026-07-08 23:59:58' | date: '%M:%S' }}", "08.07.2026 59:58"),
        (
            "{{ 'soon' | date: '%Y' }}{{ nope | date: '%Y' }} {{ 'now' | date }} {{ 0 | date: '%Q %é %' }}",
            "soon now %Q %é %",
        ),
        ("{{ 0 | date: '%^a %^B %-m/%-d %_m %#p 100%%' }}", "THU JANUARY 1/1  1 am 100%"),
    ]);
}

#[test]
fn what_is_no_template_is_refused_with_its_line() {
    for (text, expected) in [
        ("a\n{{ code", "line 2: `{{` is not closed by `}}`"),
        ("{% if a %}", "line 1: `if` is not closed by `endif`"),
        ("{% if a %}{% endfor %}", "line 1: `endfor` belongs to no block that is open here"),
        ("{% if a %}{% else %}{% else %}{% endif %}", "line 1: `else` belongs to no block that is open here"),
        ("\n\n{% endif %}", "line 3: `endif` belongs to no block that is open here"),
        ("{% bogus %}", "line 1: there is no tag `bogus`"),
        ("{% %}", "line 1: a tag has no name"),
        ("{{ a | bogus }}", "line 1: there is no filter `bogus`"),
        ("{{ a | append }}", "line 1: the filter `append` takes 1 arguments, 0 are given"),
        ("{{ a | upcase: 1 }}", "line 1: the filter `upcase` takes 0 arguments, 1 are given"),
        ("{{ a | slice: x: 1 }}", "line 1: the filter `slice` has no option `x`"),
        ("{{ a b }}", "line 1: the end is expected, not `b`"),
        ("{{ 'a }}", "line 1: a text lacks its closing '"),
        ("{{ a ? }}", "line 1: the character `?` means nothing here"),
        ("{{ a[ }}", "line 1: a value is expected, but nothing follows"),
        ("{{ 99999999999999999999 }}", "line 1: the number 99999999999999999999 is too large"),
        ("{% assign x %}", "line 1: `=` is expected, but nothing follows"),
        ("{% for x of y %}{% endfor %}", "line 1: `in` is expected after the name of the item"),
        ("{% for x in y bogus: 1 %}{% endfor %}", "line 1: a loop has no option `bogus`"),
        ("{% if a = b %}{% endif %}", "line 1: `and` or `or` is expected, not `=`"),
        ("{% if %}{% endif %}", "line 1: a value is expected, but nothing follows"),
        ("{% include 'x' %}", "line 1: `include` finds nothing: there are no other templates here"),
        ("{% layout 'x' %}", "line 1: `layout` finds nothing: there are no other templates here"),
        ("{% raw %}{% endcomment %}", "line 1: `raw` is not closed by `endraw`"),
        ("{% comment %}{% comment %}{% endcomment %}", "line 1: `comment` is not closed by `endcomment`"),
    ] {
        assert_eq!(Template::parse(text, &Limits::MESSAGE).unwrap_err().to_string(), expected, "{text}");
    }
}
