//! Points in time, as file systems and archives write them down.

/// Date (year since 1980, month, day in 7, 4 and 5 bits) and time (hour, minute, two seconds in 5, 6 and 5 bits) as seconds since 1970.
pub fn dos_time(date: u16, time: u16) -> Option<i64> {
    let (year, month, day) = (i64::from(date >> 9).saturating_add(1980), date >> 5 & 0xf, date & 0x1f);
    let (hour, minute, second) = (time >> 11, time >> 5 & 0x3f, (time & 0x1f).saturating_mul(2));
    if !(1..=12).contains(&month) || day == 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // In this range only 2100 is a fourth year without a 29th of February.
    let leap = |year: i64| year % 4 == 0 && year != 2100;
    let years = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).fold(0, i64::saturating_add);
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let months = lengths.into_iter().take(usize::from(month.saturating_sub(1))).fold(0, i64::saturating_add);
    let days = years.saturating_add(months).saturating_add(i64::from(day)).saturating_sub(1);
    let of_day = [(hour, 3600), (minute, 60), (second, 1)].map(|(count, each): (u16, i64)| i64::from(count).saturating_mul(each));
    Some(of_day.into_iter().fold(days.saturating_mul(86_400), i64::saturating_add))
}

/// Units of 100 ns since 1601, as Windows counts, as seconds since 1970; none if it is 0.
pub fn file_time(units: u64) -> Option<i64> {
    let seconds = i64::try_from(units / 10_000_000).ok().filter(|seconds| *seconds > 0)?;
    Some(seconds.saturating_sub(11_644_473_600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_dos() {
        let date = |year: u16, month: u16, day: u16| ((year - 1980) << 9) | (month << 5) | day;
        assert_eq!(dos_time(date(1980, 1, 1), 0), Some(315_532_800));
        assert_eq!(dos_time(date(2024, 2, 29), (23 << 11) | (59 << 5) | 29), Some(1_709_251_198));
        assert_eq!(dos_time(date(2107, 12, 31), 0), Some(4_354_732_800));
        assert_eq!(dos_time(0, 0), None);
    }

    #[test]
    fn times_of_windows() {
        assert_eq!(file_time(132_698_764_805_000_000), Some(1_625_402_880));
        assert_eq!(file_time(0), None);
    }
}
