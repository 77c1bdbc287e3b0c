//! The key=value pairs of an extended XYZ comment line: reading, guessing types, writing.
//!
//! Grammar, as ASE and libAtoms write it: pairs `key=value` and bare `key` (true), separated by white space.
//! A value is bare, or enclosed in `"..."`, `'...'`, `{...}` or `[...]` (brackets nest); a backslash before a
//! quote, a bracket, `=`, `,`, white space or a backslash takes away its meaning and is literal before anything
//! else (SMILES hold backslashes). A value of several words, separated by blanks or commas, that are all
//! integers, all numbers or all logical is a vector; `[[...], ...]` is a matrix; text starting with `_JSON `
//! holds a string or a list as ASE writes them.

mod infer;
mod list;
mod scan;
mod write;

pub(super) use infer::{infer, logical, real, words};
pub(super) use scan::{Pair, pairs};
pub(super) use write::{quote, show, write_key, write_real, write_value};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::data::{Data, Value};

    fn read(line: &str) -> Vec<(String, Value)> {
        pairs(line).unwrap().into_iter().map(|p| (p.key.clone(), infer(&p.key, p.raw.as_ref()))).collect()
    }

    #[test]
    fn every_way_of_quoting() {
        let ints = Value::vector(Data::Int(vec![1, 2, 3]));
        for text in
            ["a=\"1 2 3\"", "a='1 2 3'", "a={1 2 3}", "a=[1, 2, 3]", "a=[1 2 3]", "a=1,2,3", "a = \"1,2 3\""]
        {
            assert_eq!(read(text), [("a".to_owned(), ints.clone())], "{text}");
        }
        assert_eq!(read(r#"a="x \"y\" z" flag b=2.5"#)[0].1, Value::text("x \"y\" z"));
        assert_eq!(read(r#"a="x" flag b=2.5"#)[1], ("flag".to_owned(), Value::bool(true)));
        assert_eq!(read(r#""odd key"=T"#)[0], ("odd key".to_owned(), Value::bool(true)));
        assert_eq!(
            read("a=[[1, 2], [3, 4]]")[0].1,
            Value::matrix(2, 2, Data::Int(vec![1, 2, 3, 4])).unwrap()
        );
        assert_eq!(
            read(r#"a="_JSON [\"p\", \"q r\"]""#)[0].1,
            Value::vector(Data::Text(vec!["p".into(), "q r".into()]))
        );
    }

    #[test]
    fn smiles_stay_whole() {
        assert_eq!(read(r#"s="C=C/C1=C\N=O""#)[0].1, Value::text(r"C=C/C1=C\N=O"));
        assert_eq!(read("s=[H:5][C:4].[H:7]")[0].1, Value::text("[H:5][C:4].[H:7]"));
        assert_eq!(read("s=N#C=C b=1")[0].1, Value::text("N#C=C"));
    }

    #[test]
    fn types() {
        assert_eq!(read("a=1")[0].1, Value::int(1));
        assert_eq!(read("a=-1.5d2")[0].1, Value::real(-150.0));
        assert_eq!(read("a=12345678901234567890123")[0].1, Value::text("12345678901234567890123"));
        assert_eq!(read("a=\"T F\"")[0].1, Value::vector(Data::Bool(vec![true, false])));
        assert_eq!(read("a=\"\"")[0].1, Value::text(""));
    }

    #[test]
    fn text_that_looks_like_something_else_survives() {
        for text in
            ["3e10", "T", "1 2", "nan", "", "_JSON [1]", "[1]", "a\nb\t\u{1}", r#"\"' {}"#, "é ü", "\\"]
        {
            let value = Value::text(text);
            let line = format!("k={}", write_value("k", &value));
            assert_eq!(read(&line), [("k".to_owned(), value)], "{line}");
        }
    }

    #[test]
    fn stress_is_column_major_as_in_ase() {
        let m = Value::matrix3([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
        assert_eq!(write_value("stress", &m), "\"1.0 4.0 7.0 2.0 5.0 8.0 3.0 6.0 9.0\"");
        assert_eq!(read("stress=\"1 4 7 2 5 8 3 6 9\"")[0].1, m);
    }

    #[test]
    fn unclosed_quotes_are_refused() {
        assert!(pairs("a=\"b").unwrap_err().to_string().contains("no closing \""));
        assert!(pairs("=3").is_err());
    }
}
