//! Durations and timestamps (cel-go common/types/{duration,timestamp}.go). The time zone is UTC unless one is named.

use std::sync::LazyLock;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use super::{Answer, Cost, Fail, Row, argument, go, row, text_at};
use crate::cel::value::{Instant, Value, View};

pub static ROWS: &[Row] = &[
    row("timestamp.getFullYear(): int", 0, Cost::One, |_, a| field(a, |t| t.year().into())),
    row("timestamp.getFullYear(string): int", 0, Cost::One, |_, a| field(a, |t| t.year().into())),
    row("timestamp.getMonth(): int", 0, Cost::One, |_, a| field(a, |t| i64::from(t.month()) - 1)),
    row("timestamp.getMonth(string): int", 0, Cost::One, |_, a| field(a, |t| i64::from(t.month()) - 1)),
    row("timestamp.getDate(): int", 0, Cost::One, |_, a| field(a, |t| t.day().into())),
    row("timestamp.getDate(string): int", 0, Cost::One, |_, a| field(a, |t| t.day().into())),
    row("timestamp.getDayOfMonth(): int", 0, Cost::One, |_, a| field(a, |t| i64::from(t.day()) - 1)),
    row("timestamp.getDayOfMonth(string): int", 0, Cost::One, |_, a| field(a, |t| i64::from(t.day()) - 1)),
    row("timestamp.getDayOfYear(): int", 0, Cost::One, |_, a| field(a, |t| i64::from(t.day_of_year()) - 1)),
    row("timestamp.getDayOfYear(string): int", 0, Cost::One, |_, a| field(a, |t| i64::from(t.day_of_year()) - 1)),
    row("timestamp.getDayOfWeek(): int", 0, Cost::One, |_, a| field(a, weekday)),
    row("timestamp.getDayOfWeek(string): int", 0, Cost::One, |_, a| field(a, weekday)),
    row("timestamp|duration.getHours(): int", 0, Cost::One, |_, a| clock(a, |t| t.hour().into(), 3_600_000_000_000)),
    row("timestamp.getHours(string): int", 0, Cost::One, |_, a| field(a, |t| t.hour().into())),
    row("timestamp|duration.getMinutes(): int", 0, Cost::One, |_, a| clock(a, |t| t.minute().into(), 60_000_000_000)),
    row("timestamp.getMinutes(string): int", 0, Cost::One, |_, a| field(a, |t| t.minute().into())),
    row("timestamp|duration.getSeconds(): int", 0, Cost::One, |_, a| clock(a, |t| t.second().into(), 1_000_000_000)),
    row("timestamp.getSeconds(string): int", 0, Cost::One, |_, a| field(a, |t| t.second().into())),
    row("timestamp|duration.getMilliseconds(): int", 0, Cost::One, |_, a| {
        clock(a, |t| t.millisecond().into(), 1_000_000)
    }),
    row("timestamp.getMilliseconds(string): int", 0, Cost::One, |_, a| field(a, |t| t.millisecond().into())),
];

fn weekday(t: &DateTime) -> i64 {
    t.weekday().to_sunday_zero_offset().into()
}

fn field<'a>(arguments: &[Value<'a>], get: fn(&DateTime) -> i64) -> Answer<'a> {
    let View::Timestamp(t) = argument(arguments, 0)?.view() else { return Err(Fail::NoSuchOverload) };
    let zone = if arguments.len() > 1 { zone(text_at(arguments, 1)?)? } else { TimeZone::UTC };
    Ok(Value::Int(get(&t.civil_in(&zone))))
}

/// The same of a timestamp; of a duration how many units it holds in all.
fn clock<'a>(arguments: &[Value<'a>], get: fn(&DateTime) -> i64, unit: i64) -> Answer<'a> {
    match argument(arguments, 0)?.view() {
        View::Duration(d) => Ok(Value::Int(d / unit)),
        _ => field(arguments, get),
    }
}

/// A name of a place (`Europe/Berlin`) or an offset (`+02:00`); none is UTC (timestamp.go, timeZone).
fn zone(name: &str) -> Result<TimeZone, Fail> {
    let Some((hours, minutes)) = name.split_once(':') else { return place(name) };
    let (hours, minutes) = (atoi(hours)?, atoi(minutes)?);
    let minutes = if name.starts_with('-') { minutes.wrapping_neg() } else { minutes };
    // Nobody means more than this; Go would count days on.
    let wrong = || Fail::from(format!("unknown time zone {name}"));
    let seconds = hours.checked_mul(60).and_then(|h| h.checked_add(minutes)).and_then(|m| m.checked_mul(60));
    let offset = seconds.and_then(|s| i32::try_from(s).ok()).and_then(|s| Offset::from_seconds(s).ok());
    Ok(TimeZone::fixed(offset.ok_or_else(wrong)?))
}

/// Go's `strconv.Atoi`.
fn atoi(text: &str) -> Result<i64, Fail> {
    text.parse().map_err(|_| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let why = if number { "value out of range" } else { "invalid syntax" };
        Fail::from(format!("strconv.Atoi: parsing {}: {why}", go::quote(text)))
    })
}

/// A time zone of IANA's database, of which this program carries a copy; the machine's is never read. `Local` is the
/// server's own, which is UTC.
fn place(name: &str) -> Result<TimeZone, Fail> {
    static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    if matches!(name, "" | "UTC" | "Local") {
        return Ok(TimeZone::UTC);
    }
    if name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..") || name.contains('\\') {
        return Err(Fail::from("time: invalid location name"));
    }
    // The database does not care for large and small letters; Go does.
    let zone = ZONES.get(name).ok().filter(|zone| zone.iana_name() == Some(name));
    zone.ok_or_else(|| Fail::from(format!("unknown time zone {name}")))
}

/// Go's `time.ParseDuration`: `1h30m`, `1.5s`, `-2ms`, `0`.
pub fn parse_duration(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    // Where Go overflows, so does this: at 2^63, which is a duration with a sign only.
    const MOST: u64 = 1 << 63;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, tail) = digits(rest);
        let (fraction, tail) = tail.strip_prefix('.').map_or(("", tail), digits);
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len()));
        let scale: u64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part = whole.checked_mul(scale)?.checked_add(part_of(fraction, scale))?;
        total = total.checked_add(part).filter(|total| part <= MOST && *total <= MOST)?;
        rest = tail;
    }
    if text.starts_with('-') { 0i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// A fraction of a unit, computed as Go does, in doubles; digits beyond 63 bits are left out.
fn part_of(fraction: &str, unit: u64) -> u64 {
    let (mut digits, mut scale) = (0u64, 1f64);
    for digit in fraction.bytes().map(|b| u64::from(b - b'0')) {
        if digits > i64::MAX as u64 / 10 {
            break;
        }
        digits = digits * 10 + digit;
        scale *= 10.0;
    }
    (digits as f64 * (unit as f64 / scale)) as u64
}

/// `2024-02-29` (Go's time.Parse of that layout).
pub fn is_date(text: &str) -> bool {
    let shape = |(i, b): (usize, u8)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(shape) && text.parse::<Date>().is_ok()
}

/// `2024-02-29T12:30:45.123+02:00`, as Go's `time.Parse` reads RFC 3339: the hour may have one digit, a comma may stand for
/// the point, and digits after the ninth are left out.
pub fn parse_timestamp(text: &str) -> Option<Instant> {
    let mut rest = text;
    let mut number = |least: usize, most: usize, then: &str| -> Option<i32> {
        let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(digits)?;
        rest = tail.strip_prefix(then)?;
        if digits < least { None } else { number.parse().ok() }
    };
    let (year, month, day) = (number(4, 4, "-")?, number(2, 2, "-")?, number(2, 2, "T")?);
    let (hour, minute, second) = (number(1, 2, ":")?, number(2, 2, ":")?, number(2, 2, "")?);
    let mut nanoseconds = 0;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, tail) = fraction.split_at_checked(digits)?;
        let nine = digits.get(..9).unwrap_or(digits);
        nanoseconds = nine.parse::<i32>().ok()? * 10i32.pow(9 - nine.len() as u32);
        rest = tail;
    }
    let small = |n: i32| i8::try_from(n).ok();
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, nanoseconds).ok()?;
    Instant::from_civil(DateTime::from_parts(date, time), ahead(rest)?)
}

/// `Z`, `+02:00`. Go takes up to 24 hours and 60 minutes.
fn ahead(zone: &str) -> Option<SignedDuration> {
    if zone == "Z" {
        return Some(SignedDuration::ZERO);
    }
    let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
    let two = |digits: &str, most: i64| {
        let fine = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|n| fine && *n <= most)
    };
    let seconds = (two(hours, 24)? * 60 + two(minutes, 60)?) * 60;
    Some(SignedDuration::from_secs(if zone.starts_with('-') { -seconds } else { seconds }))
}

/// A timestamp moved by nanoseconds; `None` beyond the years that CEL has.
pub fn shift(t: Instant, nanoseconds: i128) -> Option<Instant> {
    t.shift(nanoseconds)
}
