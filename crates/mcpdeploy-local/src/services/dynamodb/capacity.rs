//! Consumed capacity, for requests that ask for it.

use serde_json::{Value as Json, json};

/// What a request wants to know of the capacity that it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Wanted {
    /// The total.
    Total,
    /// The total, and what table and index had of it.
    Indexes,
    /// Nothing.
    #[default]
    None,
}

/// Units of reading so many bytes: one for 4 KB, or half of one when it need not be consistent.
pub(super) fn read_units(bytes: usize, consistent: bool) -> f64 {
    let units = count(bytes, 4096);
    if consistent { units } else { units / 2.0 }
}

/// Units of writing so many bytes: one for 1 KB.
pub(super) fn write_units(bytes: usize) -> f64 {
    count(bytes, 1024)
}

fn count(bytes: usize, of: usize) -> f64 {
    let units = bytes.div_ceil(of).max(1);
    f64::from(u32::try_from(units).unwrap_or(u32::MAX))
}

/// `ConsumedCapacity`, or null.
pub(super) fn consumed(wanted: Wanted, table: &str, units: f64) -> Json {
    match wanted {
        Wanted::None => Json::Null,
        Wanted::Total => json!({"TableName": table, "CapacityUnits": units}),
        Wanted::Indexes => json!({
            "TableName": table,
            "CapacityUnits": units,
            "Table": {"CapacityUnits": units},
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (bytes, eventual, consistent, write) in [
            (0, 0.5, 1.0, 1.0),
            (1024, 0.5, 1.0, 1.0),
            (1025, 0.5, 1.0, 2.0),
            (4097, 1.0, 2.0, 5.0),
        ] {
            let units = [
                read_units(bytes, false),
                read_units(bytes, true),
                write_units(bytes),
            ];
            assert_eq!(units, [eventual, consistent, write], "{bytes}");
        }
    }
}
