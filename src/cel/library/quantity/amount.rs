//! An amount and what can be computed of it (apimachinery pkg/api/resource/{quantity,amount}.go).
//!
//! Two representations, as there: which one an amount has decides whether it counts as an integer. `1.5Gi` does not.

use std::cmp::Ordering;

use num_bigint::BigInt;

/// A resource quantity. Never changes; the API server's change when something is added to them, because copies share their
/// digits.
#[derive(Clone, Debug)]
pub struct Quantity {
    pub(super) amount: Amount,
    pub(super) format: Format,
    /// As it was written, where that is how Kubernetes would write it.
    pub(super) written: Option<Box<str>>,
    /// Whether `add` or `sub` made it. The API server finds such a one equal to nothing when it is on the right side.
    pub computed: bool,
}

/// How an amount is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    /// `12e6`
    DecimalExponent,
    /// `12Mi`
    BinarySi,
    /// `12M`
    DecimalSi,
}

/// `digits × 10^exponent`
#[derive(Clone, Debug)]
pub enum Amount {
    /// int64Amount
    Small { digits: i64, exponent: i32 },
    /// inf.Dec
    Big { digits: BigInt, exponent: i32 },
}

/// The digits of a result would fill more memory than an evaluation may take.
#[derive(Debug, PartialEq)]
pub struct Unsized;

/// Digits that an amount has, and zeros that it is filled up with, at most, so that computing with it takes no time. The API
/// server has no bound and hangs on `1e1000000000`.
pub const MOST_DIGITS: u32 = 1_000;

/// `10^n`
pub fn power(n: u32) -> Result<BigInt, Unsized> {
    if n > MOST_DIGITS { Err(Unsized) } else { Ok(BigInt::from(10).pow(n)) }
}

impl Amount {
    /// Digits and exponent without a bound.
    pub fn parts(&self) -> (BigInt, i32) {
        match self {
            Amount::Small { digits, exponent } => (BigInt::from(*digits), *exponent),
            Amount::Big { digits, exponent } => (digits.clone(), *exponent),
        }
    }

    pub fn sign(&self) -> i64 {
        match self {
            Amount::Small { digits, .. } => digits.signum(),
            Amount::Big { digits, .. } => match digits.sign() {
                num_bigint::Sign::Minus => -1,
                num_bigint::Sign::NoSign => 0,
                num_bigint::Sign::Plus => 1,
            },
        }
    }

    /// Times -1; as in Go, the smallest number is its own opposite.
    fn negated(&self) -> Self {
        match self {
            Amount::Small { digits, exponent } => Amount::Small { digits: digits.wrapping_neg(), exponent: *exponent },
            Amount::Big { digits, exponent } => Amount::Big { digits: -digits, exponent: *exponent },
        }
    }

    /// The sum as int64Amount has it; `None` where it overflows or one of them is not small.
    fn add_small(&self, other: &Self) -> Option<Self> {
        let (Amount::Small { digits: a, exponent: x }, Amount::Small { digits: b, exponent: y }) = (self, other) else {
            return None;
        };
        let (digits, exponent) = match (*a, *b) {
            (_, 0) => (*a, *x),
            (0, _) => (*b, *y),
            _ if x >= y => (scaled(*a, x.checked_sub(*y)?)?.checked_add(*b)?, *y),
            _ => (scaled(*b, y.checked_sub(*x)?)?.checked_add(*a)?, *x),
        };
        Some(Amount::Small { digits, exponent })
    }

    /// Both at the smaller exponent.
    fn aligned(&self, other: &Self) -> Result<(BigInt, BigInt, i32), Unsized> {
        let ((a, x), (b, y)) = (self.parts(), other.parts());
        let zeros = power(x.abs_diff(y))?;
        Ok(if x > y { (a * zeros, b, y) } else { (a, b * zeros, x) })
    }
}

/// `digits × 10^zeros`
fn scaled(digits: i64, zeros: i32) -> Option<i64> {
    let zeros = u32::try_from(zeros).ok()?;
    if digits == 0 { Some(0) } else { digits.checked_mul(10i64.checked_pow(zeros)?) }
}

impl Quantity {
    /// A whole number.
    pub fn whole(number: i64) -> Self {
        let amount = Amount::Small { digits: number, exponent: 0 };
        Quantity { amount, format: Format::DecimalExponent, written: None, computed: false }
    }

    /// The sum.
    pub fn add(&self, other: &Self) -> Result<Self, Unsized> {
        match self.amount.add_small(&other.amount) {
            Some(small) => Ok(self.computed(small, other)),
            None => {
                let (a, b, exponent) = self.amount.aligned(&other.amount)?;
                Ok(self.computed(Amount::Big { digits: a + b, exponent }, other))
            }
        }
    }

    /// The difference.
    pub fn sub(&self, other: &Self) -> Result<Self, Unsized> {
        match self.amount.add_small(&other.amount.negated()) {
            Some(small) => Ok(self.computed(small, other)),
            None => {
                let (a, b, exponent) = self.amount.aligned(&other.amount)?;
                Ok(self.computed(Amount::Big { digits: a - b, exponent }, other))
            }
        }
    }

    fn computed(&self, amount: Amount, other: &Self) -> Self {
        let format = if self.amount.sign() == 0 { other.format } else { self.format };
        Quantity { amount, format, written: None, computed: true }
    }

    /// The order.
    pub fn compare(&self, other: &Self) -> Result<Ordering, Unsized> {
        let (a, b) = (&self.amount, &other.amount);
        if a.sign() != b.sign() || a.sign() == 0 {
            return Ok(a.sign().cmp(&b.sign()));
        }
        let (a, b, _) = a.aligned(b)?;
        Ok(a.cmp(&b))
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i64 {
        self.amount.sign()
    }

    /// The whole number that it is, if it is kept as one.
    pub fn as_int(&self) -> Option<i64> {
        match self.amount {
            Amount::Small { digits, exponent } => scaled(digits, exponent),
            Amount::Big { .. } => None,
        }
    }

    /// Digits times a power of ten, each rounded by itself.
    pub fn as_float(&self) -> f64 {
        let (base, exponent) = match &self.amount {
            Amount::Small { digits, exponent } => (*digits as f64, *exponent),
            Amount::Big { digits, exponent } => (digits.to_string().parse().unwrap_or(f64::NAN), *exponent),
        };
        if exponent == 0 { base } else { base * power_of_ten(exponent) }
    }
}

/// Go's `math.Pow10`, which multiplies two entries of its tables.
fn power_of_ten(exponent: i32) -> f64 {
    let entry = |n: u32| format!("1e{n}").parse().unwrap_or(f64::INFINITY);
    let n = exponent.unsigned_abs();
    match exponent {
        -323..0 => format!("1e-{}", n / 32 * 32).parse().unwrap_or(0.0) / entry(n % 32),
        0..=308 => entry(n / 32 * 32) * entry(n % 32),
        309.. => f64::INFINITY,
        _ => 0.0,
    }
}
