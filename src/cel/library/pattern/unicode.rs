//! Properties of Unicode by the names that Go knows (unicodeTable).

use super::NOTHING;

/// General categories of Unicode by their short names; `Cs` is the surrogates'.
#[rustfmt::skip]
const CATEGORIES: [&str; 38] = [
    "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Lc", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl",
    "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// Their long names, as Go spells them once it has taken out what joins words.
#[rustfmt::skip]
const LONG_CATEGORIES: [&str; 41] = [
    "Casedletter", "Closepunctuation", "Combiningmark", "Connectorpunctuation", "Control", "Currencysymbol",
    "Dashpunctuation", "Decimalnumber", "Enclosingmark", "Finalpunctuation", "Format", "Initialpunctuation", "Letter",
    "Letternumber", "Lineseparator", "Lowercaseletter", "Mark", "Mathsymbol", "Modifierletter", "Modifiersymbol",
    "Nonspacingmark", "Number", "Openpunctuation", "Other", "Otherletter", "Othernumber", "Otherpunctuation",
    "Othersymbol", "Paragraphseparator", "Privateuse", "Punctuation", "Separator", "Spaceseparator", "Spacingmark",
    "Symbol", "Titlecaseletter", "Unassigned", "Uppercaseletter", "Cntrl", "Digit", "Punct",
];

/// Scripts, as Go finds them: those of two words it does not (Go 1.25 and later).
#[rustfmt::skip]
const SCRIPTS: [&str; 117] = [
    "Adlam", "Ahom", "Arabic", "Armenian", "Avestan", "Balinese", "Bamum", "Batak", "Bengali", "Bhaiksuki",
    "Bopomofo", "Brahmi", "Braille", "Buginese", "Buhid", "Carian", "Chakma", "Cham", "Cherokee", "Chorasmian",
    "Common", "Coptic", "Cuneiform", "Cypriot", "Cyrillic", "Deseret", "Devanagari", "Dogra", "Duployan", "Elbasan",
    "Elymaic", "Ethiopic", "Georgian", "Glagolitic", "Gothic", "Grantha", "Greek", "Gujarati", "Gurmukhi", "Han",
    "Hangul", "Hanunoo", "Hatran", "Hebrew", "Hiragana", "Inherited", "Javanese", "Kaithi", "Kannada", "Katakana",
    "Kawi", "Kharoshthi", "Khmer", "Khojki", "Khudawadi", "Lao", "Latin", "Lepcha", "Limbu", "Lisu", "Lycian",
    "Lydian", "Mahajani", "Makasar", "Malayalam", "Mandaic", "Manichaean", "Marchen", "Medefaidrin", "Miao", "Modi",
    "Mongolian", "Mro", "Multani", "Myanmar", "Nabataean", "Nandinagari", "Newa", "Nko", "Nushu", "Ogham", "Oriya",
    "Osage", "Osmanya", "Palmyrene", "Phoenician", "Rejang", "Runic", "Samaritan", "Saurashtra", "Sharada", "Shavian",
    "Siddham", "Sinhala", "Sogdian", "Soyombo", "Sundanese", "Syriac", "Tagalog", "Tagbanwa", "Takri", "Tamil",
    "Tangsa", "Tangut", "Telugu", "Thaana", "Thai", "Tibetan", "Tifinagh", "Tirhuta", "Toto", "Ugaritic", "Vai",
    "Vithkuqi", "Wancho", "Yezidi", "Yi",
];

/// A property of Unicode as the crate names it, to stand in a class.
pub fn property(name: &str) -> Option<String> {
    // The first letter large, the others small, nothing between words.
    let mut canonical = String::new();
    for c in name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')) {
        let first = canonical.is_empty();
        canonical.push(if first { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
    }
    let name = canonical.as_str();
    match name {
        "Any" => Some("\\x{0}-\\x{10FFFF}".to_owned()),
        "Assigned" => Some("\\p{Assigned}".to_owned()),
        "Ascii" => Some("\\x{0}-\\x{7F}".to_owned()),
        "Cs" | "Surrogate" => Some(NOTHING.to_owned()),
        _ if CATEGORIES.contains(&name) || LONG_CATEGORIES.contains(&name) => Some(format!("\\p{{gc={name}}}")),
        _ => SCRIPTS.contains(&name).then(|| format!("\\p{{sc={name}}}")),
    }
}
