//! The text of an HTML mail for those who read without marks: the words, a line for each block, and the address behind
//! each link.

/// What `html` says. Every `<` opens a mark, however it goes on, and what no mark closes is left out.
pub fn of(html: &str) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.words(before);
        rest = match after.strip_prefix("!--") {
            Some(comment) => comment.split_once("-->").map_or("", |(_, rest)| rest),
            None => match after.split_once('>') {
                Some((mark, rest)) => text.mark(mark, rest),
                None => "",
            },
        };
    }
    text.words(rest);
    text.done()
}

#[derive(Default)]
struct Text {
    out: String,
    /// The address of the link that is open.
    link: Option<String>,
    /// Whether a blank stands between what is written and what comes next.
    gap: bool,
}

impl Text {
    /// Takes a mark into account; what is left to read behind it.
    fn mark<'h>(&mut self, mark: &str, rest: &'h str) -> &'h str {
        let name = mark.split([' ', '\t', '\r', '\n']).next().unwrap_or_default().to_ascii_lowercase();
        match name.trim_end_matches('/') {
            "style" | "script" | "head" | "title" => {
                let end = format!("</{name}");
                let Some(at) = find(rest, &end) else { return "" };
                return rest.get(at..).and_then(|rest| rest.split_once('>')).map_or("", |(_, rest)| rest);
            }
            "a" => self.link = attribute(mark, "href"),
            "/a" => {
                if let Some(link) = self.link.take().filter(|link| !self.out.ends_with(link.as_str())) {
                    self.gap = true;
                    self.put(&format!("<{link}>"));
                }
            }
            "br" => self.out.push('\n'),
            "p" | "/p" | "h1" | "/h1" | "h2" | "/h2" | "h3" | "/h3" | "table" | "/table" | "hr" => self.block("\n\n"),
            "div" | "/div" | "tr" | "/tr" | "li" | "/ul" | "/ol" | "blockquote" | "/blockquote" => self.block("\n"),
            "td" | "th" => self.gap = true,
            _ => {}
        }
        rest
    }

    fn block(&mut self, end: &str) {
        self.gap = false;
        while !self.out.is_empty() && !self.out.ends_with(end) {
            self.out.push('\n');
        }
    }

    fn words(&mut self, html: &str) {
        for (index, word) in html.split([' ', '\t', '\r', '\n']).enumerate() {
            self.gap |= index > 0;
            if !word.is_empty() {
                self.put(&unescaped(word));
            }
        }
    }

    fn put(&mut self, word: &str) {
        if std::mem::take(&mut self.gap) && !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push(' ');
        }
        self.out.push_str(word);
    }

    fn done(self) -> String {
        let lines: Vec<&str> = self.out.lines().map(str::trim_end).collect();
        lines.join("\n").trim().to_owned()
    }
}

/// Where `needle`, in lower case, begins in `text`, in whatever case.
fn find(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|found| found.eq_ignore_ascii_case(needle.as_bytes()))
}

fn attribute(mark: &str, name: &str) -> Option<String> {
    let at = find(mark, &format!("{name}="))?;
    let value = mark.get(at + name.len() + 1..)?;
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.split(quote).next()?,
        _ => value.split([' ', '\t', '\r', '\n']).next()?,
    };
    Some(unescaped(value.trim())).filter(|value| !value.is_empty())
}

fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let known = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    known.iter().fold(text.to_owned(), |text, (name, sign)| text.replace(name, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_lines_and_links_show_where_they_lead() {
        for (html, text) in [
            ("Your code is:\n   <b>482913</b>", "Your code is: 482913"),
            ("<p>Hello,</p><p>bye<br>now</p>", "Hello,\n\nbye\nnow"),
            ("<html><head><title>x</title><style>p{}</style></head><body><h1>Hi</h1> a</body></html>", "Hi\n\na"),
            ("<a href=\"https://a.example/?x=1&amp;y=2\">Sign in</a>.", "Sign in <https://a.example/?x=1&y=2>."),
            ("<a href='https://a.example'>https://a.example</a>", "https://a.example"),
            ("<a class=b href=https://a.example>go</a>", "go <https://a.example>"),
            ("<a>go</a> <A HREF=\"\">on</A>", "go on"),
            ("<ul><li>one</li><li>two</li></ul>end", "one\ntwo\nend"),
            ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
            ("a<!-- <b>no</b> -->b &lt;c&gt; &amp;amp;", "ab <c> &amp;"),
            ("1 < 2", "1"),
            ("<script>x</script", ""),
            ("<style>a", ""),
            ("plain text\nof two lines", "plain text of two lines"),
            ("é✓ <b", "é✓"),
        ] {
            assert_eq!(of(html), text, "{html}");
        }
    }
}
