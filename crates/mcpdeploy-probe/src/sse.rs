//! Server-sent events, as far as MCP uses them: the data of each event.

/// The data of every event that is complete in the text: lines of `data` joined, comments and other
/// fields left out.
pub(crate) fn data(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut events = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    let normal = text.replace("\r\n", "\n").replace('\r', "\n");
    for line in normal.split_inclusive('\n') {
        // What has no end yet may go on.
        let Some(line) = line.strip_suffix('\n') else {
            break;
        };
        if line.is_empty() {
            if !lines.is_empty() {
                events.push(lines.join("\n"));
            }
            lines.clear();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            lines.push(value.strip_prefix(' ').unwrap_or(value));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::data;

    #[test]
    fn events_are_read_by_the_rules() {
        for (text, expected) in [
            ("data: {}\n\n", vec!["{}"]),
            (
                ": ping\n\nid: 1\nevent: message\ndata:a\ndata: b\r\n\r\n",
                vec!["a\nb"],
            ),
            ("data: whole\n\ndata: torn\n", vec!["whole"]),
            ("data\n\n", vec![""]),
            ("retry: 3\n\n", vec![]),
            ("\u{feff}data: 1\r\rdata: 2\r\r", vec!["1", "2"]),
        ] {
            assert_eq!(data(text), expected, "{text:?}");
        }
    }
}
