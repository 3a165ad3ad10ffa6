//! Where one document ends and the next begins.

/// What stands between two separators.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'t> {
    /// The text.
    pub text: &'t str,
    /// Offset of its first byte.
    pub start: usize,
    /// Line of that byte, from 1.
    pub line: u32,
}

/// Splits a text at lines that begin with `---` or are `...`.
///
/// Such a line at column 1 always ends a document, in a scalar too (YAML 1.2, 9.1.2, c-forbidden; kubectl splits there
/// as well: k8s.io/apimachinery pkg/util/yaml, splitYAMLDocument). More than three dashes are no marker in YAML, but
/// KubeVirt's must-gather writes fifteen of them between objects (collection-scripts/gather_hco). `---` itself stays in
/// its piece, because content may follow it on its line and directives (`%YAML 1.2`) come before it.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let body = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut pieces = Vec::new();
    let mut piece = (body, 1);
    let mut counted = (body, 1);
    let mut end = |from: (usize, u32), to: usize| {
        let text = text.get(from.0..to).unwrap_or_default();
        if !is_blank(text) {
            pieces.push(Piece { text, start: from.0, line: from.1 });
        }
    };
    for (at, next, separator) in separators(text, body) {
        let line = counted.1 + newlines(text, counted.0, at);
        let after = (next, line + newlines(text, at, next));
        counted = after;
        match separator {
            // A marker that follows only comments and directives belongs to the document that they introduce.
            Separator::Marker if is_preamble(text.get(piece.0..at).unwrap_or_default()) => {}
            Separator::Marker => {
                end(piece, at);
                piece = (at, line);
            }
            Separator::Line => {
                end(piece, at);
                piece = after;
            }
        }
    }
    end(piece, text.len());
    pieces
}

enum Separator {
    /// `---`, alone or before content.
    Marker,
    /// Four dashes or more, or `...`.
    Line,
}

/// The separators from `body` on: where each begins, where the line after it begins, and which it is.
fn separators(text: &str, body: usize) -> impl Iterator<Item = (usize, usize, Separator)> + '_ {
    let first = std::iter::once(body);
    let starts = first.chain(text.match_indices('\n').map(|(at, _)| at + 1).filter(move |at| *at > body));
    starts.filter_map(move |at| {
        let rest = text.get(at..)?;
        if !rest.starts_with(['-', '.']) {
            return None;
        }
        let line = rest.split('\n').next()?;
        let next = (at + line.len() + 1).min(text.len());
        let line = line.trim_end();
        let marker = line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        let dashes = line.len() > 3 && line.bytes().all(|b| b == b'-');
        let end = line.strip_prefix("...").is_some_and(|rest| rest.trim_start().is_empty() || rest.starts_with(" #"));
        match () {
            () if marker => Some((at, next, Separator::Marker)),
            () if dashes || end => Some((at, next, Separator::Line)),
            () => None,
        }
    })
}

/// Nothing but comments and a marker: no document.
fn is_blank(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim();
        let line = line.strip_prefix("---").unwrap_or(line).trim_start();
        line.is_empty() || line.starts_with('#')
    })
}

/// Nothing but comments and directives.
fn is_preamble(text: &str) -> bool {
    text.lines()
        .all(|line| line.trim().is_empty() || line.starts_with(['%', '#']) || line.trim_start().starts_with('#'))
}

fn newlines(text: &str, from: usize, to: usize) -> u32 {
    text.get(from..to).unwrap_or_default().bytes().filter(|b| *b == b'\n').count() as u32
}
