//! What is made worse on purpose: latency, throttling, delays and faults, for tests and the curious.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Everything that can be switched on. The default is a fast cloud without faults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Switches {
    /// How long every call of a service's API takes at least.
    pub latency: Option<Latency>,
    /// How long a fresh or changed role is unknown to the other services.
    pub iam_propagation: Duration,
    /// How long a function stays `Pending` or `InProgress` after a change.
    pub pending: Duration,
    /// How many calls a second each service takes.
    pub throttle: Option<Throttle>,
    /// What goes wrong with which call, counted over all services from when the switches were set.
    pub faults: Vec<Fault>,
}

/// How long calls take: those that read, and those that change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// A call that only reads.
    pub read: Duration,
    /// A call that changes something.
    pub write: Duration,
}

/// How many calls a service takes before it answers "Rate exceeded".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Throttle {
    /// Calls a second.
    pub rate: f64,
    /// Calls at once.
    pub burst: f64,
}

/// Something that goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which call: 1 is the first.
    pub call: u64,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// It is answered with status 500, and nothing is done.
    Fail,
    /// It is done, and the connection ends without an answer.
    Lose,
    /// It is done, and never answered.
    Hang,
}

/// A switch that does not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not {wanted}")]
pub struct SwitchError {
    text: String,
    wanted: &'static str,
}

fn error(text: &str, wanted: &'static str) -> SwitchError {
    SwitchError {
        text: text.to_owned(),
        wanted,
    }
}

/// A time with its unit: `200ms`, `6s`, `1m`; a bare number is seconds.
///
/// # Errors
/// When it is nothing of that.
pub fn duration(text: &str) -> Result<Duration, SwitchError> {
    let wanted = "a time: write 200ms, 6s or 1m";
    let at = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: f64 = number.parse().map_err(|_| error(text, wanted))?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "" | "s" => number,
        "m" => number * 60.0,
        _ => return Err(error(text, wanted)),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| error(text, wanted))
}

impl FromStr for Latency {
    type Err = SwitchError;

    /// `80ms` for all calls, `40ms/400ms` for those that read and those that change, or `aws`.
    fn from_str(text: &str) -> Result<Self, SwitchError> {
        let wanted = "a latency: write 80ms, 40ms/400ms (reads/changes) or aws";
        let time = |part: &str| duration(part).map_err(|_| error(text, wanted));
        match text.split_once('/') {
            // What a caller in another city sees of us-east-1.
            None if text == "aws" => Ok(Self {
                read: Duration::from_millis(60),
                write: Duration::from_millis(400),
            }),
            None => Ok(Self {
                read: time(text)?,
                write: time(text)?,
            }),
            Some((read, write)) => Ok(Self {
                read: time(read)?,
                write: time(write)?,
            }),
        }
    }
}

impl FromStr for Throttle {
    type Err = SwitchError;

    /// `10` calls a second, or `10/20` with so many at once.
    fn from_str(text: &str) -> Result<Self, SwitchError> {
        let wanted = "a rate: write 10 (calls a second) or 10/20 (and so many at once)";
        let number = |part: &str| match part.parse::<f64>() {
            Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
            Ok(_) | Err(_) => Err(error(text, wanted)),
        };
        let (rate, burst) = match text.split_once('/') {
            Some((rate, burst)) => (number(rate)?, number(burst)?),
            None => (number(text)?, number(text)?.max(1.0)),
        };
        Ok(Self {
            rate,
            burst: burst.max(1.0),
        })
    }
}

impl FromStr for Fault {
    type Err = SwitchError;

    /// `3=lose`: what goes wrong with the third call.
    fn from_str(text: &str) -> Result<Self, SwitchError> {
        let wanted = "a fault: write N=fail, N=lose or N=hang, N being which call, from 1";
        let (call, kind) = text.split_once('=').ok_or_else(|| error(text, wanted))?;
        let call: u64 = call.parse().map_err(|_| error(text, wanted))?;
        let kind = match kind {
            "fail" => FaultKind::Fail,
            "lose" => FaultKind::Lose,
            "hang" => FaultKind::Hang,
            _ => return Err(error(text, wanted)),
        };
        if call == 0 {
            return Err(error(text, wanted));
        }
        Ok(Self { call, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_read_as_they_are_written() {
        let ms = Duration::from_millis;
        assert_eq!(duration("200ms"), Ok(ms(200)));
        assert_eq!(duration("6s"), Ok(ms(6000)));
        assert_eq!(duration("0.5"), Ok(ms(500)));
        assert_eq!(
            "40ms/400ms".parse(),
            Ok(Latency {
                read: ms(40),
                write: ms(400)
            })
        );
        assert_eq!(
            "10/20".parse(),
            Ok(Throttle {
                rate: 10.0,
                burst: 20.0
            })
        );
        assert_eq!(
            "3=lose".parse(),
            Ok(Fault {
                call: 3,
                kind: FaultKind::Lose
            })
        );
    }

    #[test]
    fn what_is_no_switch_says_what_is_wanted() {
        assert_eq!(
            "0=fail".parse::<Fault>().unwrap_err().to_string(),
            "`0=fail` is not a fault: write N=fail, N=lose or N=hang, N being which call, from 1"
        );
        for text in ["", "fast", "-1s", "1h", "1e400s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["0", "x", "1/", "NaN", "-1"] {
            assert!(text.parse::<Throttle>().is_err(), "{text}");
        }
        for text in ["3", "3=explode", "x=fail"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
