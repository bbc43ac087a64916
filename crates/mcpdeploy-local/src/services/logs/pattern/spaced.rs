//! Conditions on fields between spaces: `[ip, ..., status = 4*, bytes > 1000]`.

use super::text::{Comparison, Operator, Reader};

/// A pattern of fields.
#[derive(Debug)]
pub(in super::super) struct Spaced {
    before: Vec<Field>,
    /// The fields after `...`, when there is one.
    after: Option<Vec<Field>>,
}

#[derive(Debug)]
struct Field {
    name: String,
    /// Alternatives, of each of which all must hold; none asks for nothing.
    conditions: Vec<Vec<Comparison>>,
}

impl Field {
    fn read(reader: &mut Reader<'_>) -> Result<Self, String> {
        let mut field = Self {
            name: name(reader)?,
            conditions: Vec::new(),
        };
        let mut operator = Operator::read(reader);
        let mut all = Vec::new();
        while let Some(found) = operator {
            all.push(Comparison::read(found, reader, |c| "()[],&|".contains(c))?);
            if reader.take("||") {
                field.conditions.push(std::mem::take(&mut all));
            } else if !reader.take("&&") {
                break;
            }
            let again = name(reader)?;
            if again != field.name {
                return Err(format!("'{again}' is another field than '{}'", field.name));
            }
            operator = Some(Operator::read(reader).ok_or("an operator is missing")?);
        }
        if !all.is_empty() {
            field.conditions.push(all);
        }
        Ok(field)
    }

    fn fits(&self, text: &str) -> bool {
        let number = text.parse().ok();
        self.conditions.is_empty()
            || self
                .conditions
                .iter()
                .any(|all| all.iter().all(|one| one.holds(text, number)))
    }
}

fn name(reader: &mut Reader<'_>) -> Result<String, String> {
    reader.spaces();
    let name = reader.run(|c| c.is_alphanumeric() || c == '_');
    if name.is_empty() {
        return Err("the name of a field is missing".to_owned());
    }
    Ok(name.to_owned())
}

impl Spaced {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader::new(text);
        reader.take("[");
        let mut before = Vec::new();
        let mut after: Option<Vec<Field>> = None;
        loop {
            if reader.take("...") {
                if after.replace(Vec::new()).is_some() {
                    return Err("'...' can be there once".to_owned());
                }
            } else {
                let field = Field::read(&mut reader)?;
                after.as_mut().unwrap_or(&mut before).push(field);
            }
            if reader.take("]") {
                break;
            }
            if !reader.take(",") {
                return Err("',' or ']' is missing".to_owned());
            }
        }
        reader.spaces();
        if !reader.is_empty() {
            return Err("there is more after ']'".to_owned());
        }
        let spaced = Self { before, after };
        let mut names: Vec<&str> = spaced.fields().map(|field| field.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("two fields are named '{}'", pair[0])),
            None => Ok(spaced),
        }
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.before.iter().chain(self.after.iter().flatten())
    }

    /// The fields of a message by name, `$2` for one that has none; nothing when it does not match.
    pub(super) fn find(&self, message: &str) -> Option<Vec<(String, String)>> {
        let parts = split(message);
        let tail = self.after.as_ref().map_or(0, Vec::len);
        let rest = parts.len().checked_sub(self.before.len() + tail)?;
        if self.after.is_none() && rest > 0 {
            return None;
        }
        let unnamed = std::iter::repeat_n(None, rest);
        let fields = self
            .before
            .iter()
            .map(Some)
            .chain(unnamed)
            .chain(self.after.iter().flatten().map(Some));
        fields
            .zip(parts)
            .enumerate()
            .map(|(index, (field, part))| match field {
                Some(field) => field
                    .fits(&part)
                    .then(|| (format!("${}", field.name), part)),
                None => Some((format!("${}", index + 1), part)),
            })
            .collect()
    }
}

/// The parts of a message between spaces; quotation marks and brackets keep spaces together.
fn split(message: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = message.trim();
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '"' => Some('"'),
            '[' => Some(']'),
            _ => None,
        };
        let enclosed = close.and_then(|close| {
            let end = rest[1..].find(close)? + 1;
            let whole = rest[end + 1..]
                .chars()
                .next()
                .is_none_or(char::is_whitespace);
            whole.then_some((&rest[1..end], &rest[end + 1..]))
        });
        let (part, left) = enclosed.unwrap_or_else(|| {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest.split_at(end)
        });
        parts.push(part.to_owned());
        rest = left.trim_start();
    }
    parts
}
