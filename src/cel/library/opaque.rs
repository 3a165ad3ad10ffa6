//! Values of types that libraries bring and that expressions cannot look into.

use std::fmt;

use super::quantity::Quantity;

/// Such a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Opaque {
    /// `kubernetes.Quantity`
    Quantity(Quantity),
}

impl Opaque {
    /// The type's name.
    pub fn type_name(&self) -> &'static str {
        match self {
            Opaque::Quantity(_) => "kubernetes.Quantity",
        }
    }
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Opaque::Quantity(quantity) => quantity.fmt(f),
        }
    }
}
