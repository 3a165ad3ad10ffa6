//! A point in time, as far as CEL's years go. jiff's own type ends a day before they do.

use std::cmp::Ordering;
use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// CEL's `google.protobuf.Timestamp`: from the year 1 to the year 9999, in nanoseconds. It remembers how far the clock that
/// it was read from was ahead of UTC, as Go's does, and shows that when it is printed; otherwise that makes no difference.
#[derive(Clone, Copy, Debug)]
pub struct Instant {
    seconds: i64,
    nanoseconds: u32,
    /// Seconds.
    ahead: i32,
}

/// The first and the last second (cel-go common/types/timestamp.go, minUnixTime and maxUnixTime).
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

const NANOSECONDS: i128 = 1_000_000_000;

impl Instant {
    /// The start of the year 1, which Go takes for no time at all.
    pub const ZERO: Instant = Instant { seconds: FIRST, nanoseconds: 0, ahead: 0 };

    /// Seconds since 1970; `None` outside of CEL's years.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        (FIRST..=LAST).contains(&seconds).then_some(Instant { seconds, nanoseconds: 0, ahead: 0 })
    }

    /// Nanoseconds since 1970; `None` outside of CEL's years.
    pub fn from_nanoseconds(nanoseconds: i128) -> Option<Self> {
        let seconds = i64::try_from(nanoseconds.div_euclid(NANOSECONDS)).ok()?;
        let nanoseconds = u32::try_from(nanoseconds.rem_euclid(NANOSECONDS)).ok()?;
        Some(Instant { nanoseconds, ..Self::from_seconds(seconds)? })
    }

    /// Moved by nanoseconds; `None` beyond CEL's years.
    pub fn shift(self, nanoseconds: i128) -> Option<Self> {
        let moved = Self::from_nanoseconds(self.nanoseconds().checked_add(nanoseconds)?)?;
        Some(Instant { ahead: self.ahead, ..moved })
    }

    /// Seconds since 1970, rounded down.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since 1970.
    pub fn nanoseconds(self) -> i128 {
        i128::from(self.seconds) * NANOSECONDS + i128::from(self.nanoseconds)
    }

    /// What calendar and clock show in UTC.
    pub fn civil(self) -> DateTime {
        self.civil_at(0)
    }

    /// What calendar and clock show in a time zone.
    pub fn civil_in(self, zone: &TimeZone) -> DateTime {
        // A zone's offset in the last day that jiff has is that of the day after.
        let at = Timestamp::from_second(self.seconds).unwrap_or(Timestamp::MAX);
        self.civil_at(zone.to_offset(at).seconds().into())
    }

    /// From what a calendar and a clock show that are so far ahead of UTC; `None` outside of CEL's years.
    pub fn from_civil(civil: DateTime, ahead: SignedDuration) -> Option<Self> {
        let instant = Self::from_nanoseconds((civil.duration_since(EPOCH) - ahead).as_nanos())?;
        Some(Instant { ahead: i32::try_from(ahead.as_secs()).ok()?, ..instant })
    }

    fn civil_at(self, ahead: i64) -> DateTime {
        let since = SignedDuration::new(self.seconds + ahead, self.nanoseconds as i32);
        // The year 10000, which an offset may reach, is beyond jiff's calendar.
        EPOCH.checked_add(since).unwrap_or(DateTime::MAX)
    }
}

const EPOCH: DateTime = jiff::civil::datetime(1970, 1, 1, 0, 0, 0, 0);

impl PartialEq for Instant {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Instant {}

impl PartialOrd for Instant {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Instant {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.seconds, self.nanoseconds).cmp(&(other.seconds, other.nanoseconds))
    }
}

/// RFC 3339 with as many digits of a second as there are.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.civil_at(self.ahead.into()))?;
        if self.ahead == 0 {
            return f.write_str("Z");
        }
        let minutes = self.ahead.unsigned_abs() / 60;
        let sign = if self.ahead < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_right_at_both_ends_and_in_leap_years() {
        for (seconds, text) in [
            (FIRST, "0001-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_209_845, "2024-02-29T12:30:45Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (LAST, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Instant::from_seconds(seconds).unwrap().to_string(), text);
        }
        assert_eq!((Instant::from_seconds(FIRST - 1), Instant::from_seconds(LAST + 1)), (None, None));
    }
}
