//! JSON patches (k8s.io/apiserver pkg/cel/library/jsonpatch.go).

use super::{Answer, Context, READ, Row, row, text_at};
use crate::cel::value::Value;

pub static ROWS: &[Row] = &[row("jsonpatch.escapeKey(string): string", 0, READ, escape_key)];

fn escape_key<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    context.text(text_at(arguments, 0)?.replace('~', "~0").replace('/', "~1"))
}
