//! Points in time as file systems and archives write them down, as seconds since 1970.

/// Seconds since 1970 of a date and time of day in the years 1601 to 9999, if there is such a moment.
pub(super) fn seconds_since_1970(date: [i64; 3], time: [i64; 3]) -> Option<i64> {
    let ([year, month, day], [hour, minute, second]) = (date, time);
    let inside = (1601..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !inside || !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    // Years that begin in March have the day that is there or not at their end.
    let early = month <= 2;
    let year = if early { year.saturating_sub(1) } else { year };
    let month = if early { month.saturating_add(9) } else { month.saturating_sub(3) };
    let leap_days = [(4, 1), (100, -1), (400, 1)].map(|(each, sign): (i64, i64)| sign.saturating_mul(year.div_euclid(each)));
    let of_year = month.saturating_mul(153).saturating_add(2).div_euclid(5);
    let days = leap_days.into_iter().fold(year.saturating_mul(365), i64::saturating_add);
    let days = days.saturating_add(of_year).saturating_add(day).saturating_sub(719_469);
    let of_day = [(hour, 3600), (minute, 60), (second, 1)].map(|(count, each): (i64, i64)| count.saturating_mul(each));
    Some(of_day.into_iter().fold(days.saturating_mul(86_400), i64::saturating_add))
}

/// Date (year since 1980, month, day in 7, 4 and 5 bits) and time (hour, minute, two seconds in 5, 6 and 5 bits) as seconds since 1970.
pub fn dos_time(date: u16, time: u16) -> Option<i64> {
    let date = [(date >> 9).saturating_add(1980), date >> 5 & 0xf, date & 0x1f];
    let time = [time >> 11, time >> 5 & 0x3f, (time & 0x1f).saturating_mul(2)];
    seconds_since_1970(date.map(i64::from), time.map(i64::from))
}

/// Units of 100 ns since 1601, as Windows counts, as seconds since 1970; none if it is 0.
pub fn file_time(units: u64) -> Option<i64> {
    let seconds = i64::try_from(units / 10_000_000).ok()?;
    (units != 0).then(|| seconds.saturating_sub(11_644_473_600))
}

/// Seconds since 1970 of a count of seconds since 1904; none if it is 0.
pub(super) fn apple_time(seconds: u32) -> Option<i64> {
    (seconds != 0).then(|| i64::from(seconds).saturating_sub(2_082_844_800))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(seconds_since_1970([1970, 1, 1], [0, 0, 0]), Some(0));
        assert_eq!(seconds_since_1970([2000, 2, 29], [12, 0, 1]), Some(951_825_601));
        assert_eq!(seconds_since_1970([2021, 7, 5], [0, 0, 0]), Some(1_625_443_200));
        assert_eq!(seconds_since_1970([1969, 12, 31], [23, 59, 59]), Some(-1));
        assert_eq!(seconds_since_1970([2021, 13, 5], [0, 0, 0]), None);
        assert_eq!(file_time(116_444_736_010_000_000), Some(1));
        assert_eq!(apple_time(2_082_844_801), Some(1));
        assert_eq!(file_time(132_698_764_805_000_000), Some(1_625_402_880));
        assert_eq!((file_time(0), apple_time(0)), (None, None));
    }

    #[test]
    fn moments_of_dos() {
        let date = |year: u16, month: u16, day: u16| ((year - 1980) << 9) | (month << 5) | day;
        assert_eq!(dos_time(date(1980, 1, 1), 0), Some(315_532_800));
        assert_eq!(dos_time(date(2024, 2, 29), (23 << 11) | (59 << 5) | 29), Some(1_709_251_198));
        assert_eq!(dos_time(date(2107, 12, 31), 0), Some(4_354_732_800));
        assert_eq!(dos_time(0, 0), None);
    }
}
