//! Reports for machines. Each version has its own types; a published version only gains optional fields.

pub mod v1;
