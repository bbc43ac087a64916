//! DynamoDB's numbers: decimal, 38 digits, from 1E-130 to 9.99…E+125.

use std::str::FromStr;

use bigdecimal::num_bigint::Sign;
use bigdecimal::{BigDecimal, Zero};

use super::validation;
use crate::wire::Fault;

const DIGITS: usize = 38;
const LARGEST_EXPONENT: i64 = 125;
const SMALLEST_EXPONENT: i64 = -130;

/// A number. Two that are equal are written the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number(BigDecimal);

impl Number {
    /// Reads `12`, `-0.5` or `1e3`.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let no_number = || {
            validation(format!(
                "The parameter cannot be converted to a numeric value: {text}"
            ))
        };
        if !is_number(text) {
            return Err(no_number());
        }
        // An exponent of millions would be a number of millions of digits.
        let exponent = text.split_once(['e', 'E']).map_or("0", |(_, after)| after);
        match exponent.parse::<i64>() {
            Ok(1_000..) => return Err(overflow()),
            Ok(..=-1_000) => return Err(underflow()),
            Ok(_) => {}
            Err(_) if exponent.starts_with('-') => return Err(underflow()),
            Err(_) => return Err(overflow()),
        }
        let number = BigDecimal::from_str(text).map_err(|_| no_number())?;
        Self::checked(&number)
    }

    fn checked(number: &BigDecimal) -> Result<Self, Fault> {
        let number = Self(number.normalized());
        if number.0.is_zero() {
            return Ok(number);
        }
        let (_, exponent, digits) = number.parts();
        if exponent > LARGEST_EXPONENT {
            return Err(overflow());
        }
        if exponent < SMALLEST_EXPONENT {
            return Err(underflow());
        }
        if digits.len() > DIGITS {
            return Err(validation(
                "Attempting to store more than 38 significant digits in a Number",
            ));
        }
        Ok(number)
    }

    pub(super) fn add(&self, other: &Self) -> Result<Self, Fault> {
        Self::checked(&(&self.0 + &other.0))
    }

    pub(super) fn subtract(&self, other: &Self) -> Result<Self, Fault> {
        Self::checked(&(&self.0 - &other.0))
    }

    /// Without an exponent, as the service writes numbers.
    pub(super) fn text(&self) -> String {
        self.0.to_plain_string()
    }

    /// In bytes: one for two digits, and one.
    pub(super) fn size(&self) -> usize {
        let (sign, _, digits) = self.parts();
        digits.len().div_ceil(2) + 1 + usize::from(sign == Sign::Minus)
    }

    /// Seconds since 1970, when it is a number of that.
    pub(super) fn to_seconds(&self) -> Option<i64> {
        let (whole, _) = self.0.with_scale(0).into_bigint_and_exponent();
        i64::try_from(whole).ok()
    }

    /// Text that sorts as the numbers do.
    pub(super) fn sortable(&self) -> String {
        let (sign, exponent, digits) = self.parts();
        let exponent = exponent + 500;
        match sign {
            Sign::NoSign => "1".to_owned(),
            Sign::Plus => format!("2{exponent:03}{digits}"),
            // Larger is smaller; of two that begin the same, the longer one is smaller.
            Sign::Minus => {
                let digits: String = digits
                    .bytes()
                    .map(|digit| char::from(b'0' + (b'9' - digit)))
                    .collect();
                format!("0{:03}{digits}~", 999 - exponent)
            }
        }
    }

    /// Sign, exponent of the first digit, and the digits without zeros at the end.
    fn parts(&self) -> (Sign, i64, String) {
        let (whole, scale) = self.0.as_bigint_and_exponent();
        let digits = whole.magnitude().to_string();
        let exponent = i64::try_from(digits.len()).unwrap_or(i64::MAX) - 1 - scale;
        (whole.sign(), exponent, digits)
    }
}

fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mantissa = unsigned(mantissa);
    let (whole, part) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    digits(whole)
        && digits(part)
        && !(whole.is_empty() && part.is_empty())
        && exponent.is_none_or(|text| !unsigned(text).is_empty() && digits(&unsigned(text)))
}

fn overflow() -> Fault {
    validation(
        "Number overflow. Attempting to store a number with magnitude larger than supported range",
    )
}

fn underflow() -> Fault {
    validation(
        "Number underflow. Attempting to store a number with magnitude smaller than supported range",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_written_in_one_way() {
        for (text, written) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("007", "7"),
            ("+1", "1"),
            ("1.50", "1.5"),
            (".5", "0.5"),
            ("1e3", "1000"),
            ("100", "100"),
            ("-12.5E-2", "-0.125"),
            (
                "12345678901234567890123456789012345678",
                "12345678901234567890123456789012345678",
            ),
        ] {
            assert_eq!(number(text).text(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_out_of_range_is_refused() {
        let cases = [
            ("", "cannot be converted"),
            ("abc", "cannot be converted"),
            ("1_000", "cannot be converted"),
            ("NaN", "cannot be converted"),
            ("0x10", "cannot be converted"),
            ("1e", "cannot be converted"),
            ("1e126", "Number overflow"),
            ("1e99999999999999999999", "Number overflow"),
            ("1e-131", "Number underflow"),
            ("1e-999999999", "Number underflow"),
            (
                "123456789012345678901234567890123456789",
                "38 significant digits",
            ),
        ];
        for (text, says) in cases {
            let fault = Number::parse(text).unwrap_err();
            assert!(fault.message.contains(says), "{text}: {}", fault.message);
        }
        assert!(Number::parse("9.9e125").is_ok());
        assert!(Number::parse("1e-130").is_ok());
    }

    #[test]
    fn sums_are_exact() {
        assert_eq!(number("0.1").add(&number("0.2")).unwrap().text(), "0.3");
        assert_eq!(number("1").subtract(&number("1.5")).unwrap().text(), "-0.5");
        let large = number("12345678901234567890123456789012345678");
        let fault = large.add(&number("0.1")).unwrap_err();
        assert!(fault.message.contains("38 significant digits"));
        assert_eq!(number("1700000000.9").to_seconds(), Some(1_700_000_000));
    }

    #[test]
    fn sortable_text_sorts_as_the_numbers_do() {
        let order = [
            "-1e125", "-100.5", "-100", "-99", "-10", "-1.5", "-1", "-0.5", "-1e-130", "0",
            "1e-130", "0.05", "0.5", "1", "1.05", "1.5", "2", "9", "10", "11", "100", "1e125",
        ];
        for pair in order.windows(2) {
            let (a, b) = (number(pair[0]), number(pair[1]));
            assert!(a < b && a.sortable() < b.sortable(), "{pair:?}");
        }
    }
}
