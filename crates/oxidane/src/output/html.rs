//! A report as one HTML file that needs nothing else: tables and drawings, no scripts.

/// Text with what HTML gives a meaning to taken out of its meaning.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// How it looks.
const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}\
h1{font-size:1.6em}h2{font-size:1.3em;margin-top:2.5em;border-bottom:1px solid #ccc}h3{font-size:1.05em}\
table{border-collapse:collapse;font-size:.9em;font-variant-numeric:tabular-nums}div.wide{overflow-x:auto}\
th,td{padding:.15em .7em;border-bottom:1px solid #e4e4e4;text-align:right}th{border-bottom:1px solid #888}\
.t{text-align:left}p.remark,dd{color:#555;font-size:.9em}p.part{background:#fff3cd;padding:.3em .7em}\
svg{max-width:100%;height:auto}";

/// A whole page.
pub fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\n<style>{STYLE}</style></head>\n\
         <body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

/// A table: heads, and rows of cells that say whether they are words.
pub fn table(heads: &[String], rows: &[Vec<(String, bool)>]) -> String {
    let class = |text: bool| if text { " class=\"t\"" } else { "" };
    let words = |k: usize| rows.iter().any(|row| row.get(k).is_some_and(|cell| cell.1));
    let heads = heads.iter().enumerate().map(|(k, h)| format!("<th{}>{}</th>", class(words(k)), escape(h)));
    let mut html = format!("<div class=\"wide\"><table>\n<tr>{}</tr>\n", heads.collect::<String>());
    for row in rows {
        let cells = row.iter().map(|(text, words)| format!("<td{}>{}</td>", class(*words), escape(text)));
        html.push_str(&format!("<tr>{}</tr>\n", cells.collect::<String>()));
    }
    html.push_str("</table></div>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_read_becomes_markup() {
        let cell = |text: &str| (text.to_owned(), true);
        let html = table(&["<a>".into()], &[vec![cell("x & \"y\" <script>")]]);
        assert!(html.contains("&lt;script&gt;") && html.contains("&amp;") && !html.contains("<script"));
        assert!(page("<b>", &html).contains("<title>&lt;b&gt;</title>"));
    }
}
