//! The parsers' errors in plain sentences.
//!
//! Half a sentence on what is wrong, and where it can be guessed half a sentence on what to try. Never a type of ours or
//! a term of a parser ("block mapping", "EOF").

use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::granit_parser::ErrorKind;
use serde_saphyr::localizer::ExternalMessageSource;

use super::problem::TextError;
use super::split::Piece;

/// Where serde_json stopped. It counts lines and bytes from 1.
pub(super) fn json_offset(text: &str, error: &serde_json::Error) -> usize {
    let line = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    (line + error.column().saturating_sub(1)).min(text.len())
}

/// What serde_json found wrong. Its errors have no kinds, only texts.
pub(super) fn of_json(text: &str, error: &serde_json::Error) -> TextError {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let (message, help) = match said {
        s if s.starts_with("EOF") => ("the text ends in the middle of the document", Some("is the file cut off?")),
        "expected value" => ("expected a value", None),
        "expected ident" => ("expected `true`, `false` or `null`", None),
        "trailing comma" => ("a comma before the closing bracket", Some("remove it")),
        "key must be a string" => ("expected a key in double quotes", None),
        "number out of range" => ("a number that no Kubernetes API can hold", None),
        "invalid number" => ("not a number", None),
        "invalid escape" => ("an unknown escape in a string", Some(r"a backslash is written `\\`")),
        s if s.starts_with("control character") => {
            ("a line break or a control character inside a string", Some("is a quote missing?"))
        }
        s if s.contains("hex escape") || s.contains("unicode") => (r"a broken `\u` escape in a string", None),
        other => (other, None),
    };
    let error = TextError::new(json_offset(text, error), message);
    match help {
        Some(help) => error.help(help),
        None => error,
    }
}

/// True when a document nests deeper than was allowed.
pub(super) fn is_depth(error: &Error) -> bool {
    match error.without_snippet() {
        Error::Budget { breach, .. } => matches!(breach, BudgetBreach::Depth { .. }),
        Error::AliasError { error, .. } => is_depth(error),
        Error::ExternalMessage { source, .. } => {
            matches!(source.as_ref(), ExternalMessageSource::Parser(e) if *e.kind() == ErrorKind::RecursionLimitExceeded)
        }
        _ => false,
    }
}

/// The same key twice in one mapping.
pub(super) fn repeated_key(offset: usize, key: &str) -> TextError {
    TextError::new(offset, format!("the key `{key}` occurs twice"))
        .help("kubectl would take the last one without a word")
}

/// What is wrong with a YAML document.
pub(super) fn of_yaml(piece: Piece<'_>, error: &Error) -> TextError {
    let error = error.without_snippet();
    let offset = offset_of(piece.text, error);
    let found = match error {
        Error::ExternalMessage { source, msg, .. } => match source.as_ref() {
            ExternalMessageSource::Parser(error) => of_parser(piece.text, offset, error.kind()),
            _ => TextError::new(offset, msg),
        },
        other => of_value(piece.text, offset, other),
    };
    explained(piece.text, found).moved(piece.start)
}

/// The byte that an error points at. The parser counts characters.
fn offset_of(text: &str, error: &Error) -> usize {
    let Some(span) = error.location().map(|location| location.span()) else { return 0 };
    let by_bytes = span.byte_offset().map(|at| at as usize);
    let by_characters = || text.char_indices().nth(span.offset() as usize).map_or(text.len(), |(at, _)| at);
    by_bytes.unwrap_or_else(by_characters)
}

/// Errors that have one cause, whatever the parser stumbled over.
pub(super) fn explained(text: &str, found: TextError) -> TextError {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            return TextError::new(at, "a merge conflict that was not resolved");
        }
        at += line.len();
    }
    let template = |line: &str| line.starts_with("{{") || line.contains(": {{") || line.contains("- {{");
    if text.lines().map(str::trim_start).any(template) {
        return TextError::new(found.offset, "a template, and not YAML yet")
            .help("looks like a Helm template. Render first: helm template … | virt-guard check -");
    }
    found
}

/// Errors about a value that the parser could read.
fn of_value(text: &str, offset: usize, error: &Error) -> TextError {
    let say = |message: &str| TextError::new(offset, message);
    match error {
        Error::DuplicateMappingKey { key, .. } => repeated_key(offset, key.as_deref().unwrap_or("?")),
        Error::UnknownAnchor { .. } => {
            let name = word(text, offset);
            TextError::new(offset, format!("`{name}` stands for a value that is named nowhere before"))
                .help("a text that begins with `*` needs quotes")
        }
        Error::NonFiniteFloat { value, .. } => {
            TextError::new(offset, format!("`{value}` is a number that JSON does not have"))
                .help("put it in quotes if it is text")
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => say("`<<` takes a mapping or a list of mappings"),
        Error::RecursiveReferencesRequireWeakTypes { .. } => say("a value that contains itself"),
        Error::BinaryNotUtf8 { .. } => say("`!!binary` data that is no text"),
        Error::InvalidBinaryBase64 { .. } => say("`!!binary` data that is no base64"),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            say("this document grows beyond all bounds").help("aliases (`*name`) repeat what they stand for")
        }
        Error::InvalidScalar { .. } | Error::TaggedScalarCannotDeserializeIntoString { .. } => {
            say("a value that does not fit its tag (`!!int`, `!!float`, `!!bool`)")
        }
        Error::Message { msg, .. } => say(msg),
        Error::MultipleDocuments { .. } => say("something follows the end of the document"),
        Error::AliasError { error, .. } => of_value(text, offset, error),
        _ => say("not YAML that can be read"),
    }
}

/// Errors about the notation.
fn of_parser(text: &str, offset: usize, kind: &ErrorKind) -> TextError {
    use ErrorKind as K;
    let found = found_at(text, offset);
    let say = |message: &str| TextError::new(offset, message);
    match kind {
        K::TabNotAllowed
        | K::TabInBlockIndentation
        | K::TabInIndentation
        | K::TabAtBlockScalarStart
        | K::TabInPlainScalar => {
            // The parser points behind the tab.
            let before = offset.saturating_sub(1);
            let offset = if text.as_bytes().get(before) == Some(&b'\t') { before } else { offset };
            TextError::new(offset, "a tab where YAML takes only spaces").help("indent with spaces")
        }
        K::MappingValueNotAllowed | K::InvalidColonPlacement if has_earlier_colon(text, offset) => {
            say("a second `:` in the value").help("put the value in quotes")
        }
        K::MappingValueNotAllowed | K::InvalidColonPlacement | K::MappingKeyNotAllowed => {
            say("a key where none can stand").help("is this line indented too far, or the one before it a value?")
        }
        K::ExpectedBlockMappingKey => {
            // The parser points behind the dash of a list item.
            let offset = if text.get(..offset).is_some_and(|head| head.ends_with("- ")) { offset - 2 } else { offset };
            let found = found_at(text, offset);
            if found.starts_with("the key") {
                return TextError::new(offset, format!("{found} is not indented like those around it"));
            }
            TextError::new(offset, format!("expected a key, found {found}"))
                .help("is this line indented like its neighbours?")
        }
        K::ExpectedBlockSequenceEntry => TextError::new(offset, format!("expected a list item, found {found}"))
            .help("is this line indented like its neighbours?"),
        K::BlockSequenceEntryNotAllowed | K::BlockEntryInFlowCollection => {
            say("a list item where none can stand").help("is this line indented too far, or a `:` missing before it?")
        }
        K::SimpleKeyExpected | K::InvalidSimpleKey => {
            say("expected `key: value`").help("is a `:` missing, or is this line indented too little?")
        }
        K::InvalidIndentation
        | K::InvalidFlowScalarIndent
        | K::InvalidQuotedScalarIndent
        | K::InvalidBlockScalarIndent => say("this line is not indented like its neighbours"),
        K::ExpectedFlowMappingSeparator => TextError::new(offset, format!("expected `,` or `}}`, found {found}")),
        K::ExpectedFlowSequenceSeparator => TextError::new(offset, format!("expected `,` or `]`, found {found}")),
        K::UnclosedFlowCollection { open } => TextError::new(offset, format!("`{open}` is never closed")),
        K::MismatchedFlowCollectionEnd { open, close } => {
            TextError::new(offset, format!("`{open}` is closed by `{close}`"))
        }
        K::MisplacedFlowCollectionEnd => TextError::new(offset, format!("{found} closes nothing")),
        K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar => say("this quote is never closed"),
        K::InvalidTrailingSingleQuotedScalar => {
            say("something follows the closing quote").help("a quote inside the text is written twice: `''`")
        }
        K::InvalidTrailingDoubleQuotedScalar => {
            say("something follows the closing quote").help(r#"a quote inside the text is written `\"`"#)
        }
        K::UnknownQuotedScalarEscape => {
            say("an unknown escape in this text").help(r"a backslash is written `\\`, or use single quotes")
        }
        K::UnexpectedCharacter { character: '`' } => {
            say("a value cannot begin with a backtick").help("put it in quotes")
        }
        K::UnexpectedCharacter { character } if character.is_control() => say("a control character"),
        K::UnexpectedCharacter { character } => {
            TextError::new(offset, format!("a value cannot begin with `{character}`")).help("put it in quotes")
        }
        K::ExpectedNodeContent => TextError::new(offset, format!("expected a value, found {found}")),
        K::MissingAnchorOrAliasName => {
            TextError::new(offset, format!("a value cannot begin with {found}")).help("put it in quotes")
        }
        K::UndeclaredTagHandle | K::MissingTagUri | K::InvalidTagTerminator => {
            say("an unknown tag").help("a text that begins with `!` needs quotes")
        }
        K::RecursionLimitExceeded => say("nested too deeply"),
        K::UnexpectedEof
        | K::UnexpectedEofFlowSequence
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping
        | K::UnexpectedEofBlockSequence
        | K::UnexpectedEofBlockMapping => {
            say("the text ends in the middle of the document").help("is the file cut off?")
        }
        other => TextError::new(offset, format!("not YAML: {other}")),
    }
}

/// What stands at a place, in a word.
fn found_at(text: &str, offset: usize) -> String {
    let rest = text.get(offset..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    match rest.chars().next() {
        None => "the end of the text".to_owned(),
        Some('\n' | '\r') => "the end of the line".to_owned(),
        Some('-') if line == "-" || line.starts_with("- ") => "a list item".to_owned(),
        Some(c)
            if (c.is_alphanumeric() || c == '"' || c == '\'')
                && (line.contains(": ") || line.trim_end().ends_with(':')) =>
        {
            format!("the key `{}`", line.split(':').next().unwrap_or_default().trim_matches(['"', '\'']))
        }
        Some(c) if c.is_alphanumeric() => format!("`{}`", word(text, offset)),
        Some(c) => format!("`{c}`"),
    }
}

/// The characters up to the next blank, at most 40.
fn word(text: &str, offset: usize) -> &str {
    let rest = text.get(offset..).unwrap_or_default();
    let end = rest.char_indices().take(41).find(|(i, c)| c.is_whitespace() || *i >= 40 || ",]}".contains(*c));
    rest.get(..end.map_or(rest.len(), |(i, _)| i)).unwrap_or_default()
}

/// True when the line has `: ` before this place already: `message: this: that`.
fn has_earlier_colon(text: &str, offset: usize) -> bool {
    let head = text.get(..offset).unwrap_or_default();
    head.rsplit('\n').next().unwrap_or_default().contains(": ")
}
