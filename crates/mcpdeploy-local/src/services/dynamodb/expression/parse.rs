//! Reads expressions.

use super::super::value::Value;
use super::condition::{Comparison, Operand};
use super::lex::{Kind, Token, tokens};
use super::path::Step;
use super::update::{Action, Term, Update};
use super::{Condition, Names, Parameter, Path};
use crate::wire::Fault;

/// The words that cannot be names without a placeholder. Source: "Reserved words in DynamoDB" in
/// the developer guide. Sorted.
const RESERVED: &str = include_str!("reserved.txt");

const TYPES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

/// Reads a condition, filter or key condition.
pub(crate) fn condition(
    parameter: Parameter,
    text: &str,
    names: &Names,
) -> Result<Condition, Fault> {
    let mut parser = Parser::new(parameter, text, names)?;
    let condition = parser.or()?;
    parser.end()?;
    Ok(condition)
}

/// Reads a projection.
pub(crate) fn projection(text: &str, names: &Names) -> Result<Vec<Path>, Fault> {
    let mut parser = Parser::new(Parameter::Projection, text, names)?;
    let mut paths = vec![parser.path()?];
    while parser.take(",") {
        paths.push(parser.path()?);
    }
    parser.end()?;
    parser.check_overlaps(&paths.iter().collect::<Vec<_>>())?;
    Ok(paths)
}

/// Reads an update.
pub(crate) fn update(text: &str, names: &Names) -> Result<Update, Fault> {
    let mut parser = Parser::new(Parameter::Update, text, names)?;
    let mut actions = Vec::new();
    let mut sections: Vec<String> = Vec::new();
    while let Some(Kind::Word(word)) = parser.peek() {
        let section = word.to_uppercase();
        if !["SET", "REMOVE", "ADD", "DELETE"].contains(&section.as_str()) {
            break;
        }
        if sections.contains(&section) {
            return Err(Parameter::Update.invalid(format!(
                "The \"{section}\" section can only be used once in an update expression;"
            )));
        }
        parser.at += 1;
        loop {
            let path = parser.path()?;
            actions.push(match section.as_str() {
                "SET" => {
                    parser.expect("=")?;
                    Action::Set(path, parser.sum()?)
                }
                "REMOVE" => Action::Remove(path),
                "ADD" => Action::Add(path, parser.number_or_set(&section)?),
                _ => Action::Delete(path, parser.number_or_set(&section)?),
            });
            if !parser.take(",") {
                break;
            }
        }
        sections.push(section);
    }
    if sections.is_empty() {
        return Err(parser.unexpected());
    }
    parser.end()?;
    parser.check_overlaps(&actions.iter().map(Action::path).collect::<Vec<_>>())?;
    Ok(Update(actions))
}

struct Parser<'a> {
    parameter: Parameter,
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    names: &'a Names,
}

impl<'a> Parser<'a> {
    fn new(parameter: Parameter, text: &'a str, names: &'a Names) -> Result<Self, Fault> {
        let tokens = tokens(parameter, text)?;
        Ok(Self {
            parameter,
            text,
            tokens,
            at: 0,
            names,
        })
    }

    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn next(&mut self) -> Option<Kind> {
        let kind = self.peek().cloned();
        self.at += usize::from(kind.is_some());
        kind
    }

    /// Takes a symbol, if it comes next.
    fn take(&mut self, symbol: &str) -> bool {
        let there = matches!(self.peek(), Some(Kind::Symbol(found)) if *found == symbol);
        self.at += usize::from(there);
        there
    }

    /// Takes a keyword, if it comes next.
    fn take_word(&mut self, word: &str) -> bool {
        let there = matches!(self.peek(), Some(Kind::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.take(symbol) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn end(&self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected()),
        }
    }

    /// The fault for the token that comes next, with the tokens around it.
    fn unexpected(&self) -> Fault {
        let part = |token: &Token| self.text[token.start..token.end].to_owned();
        let token = self
            .tokens
            .get(self.at)
            .map_or_else(|| "<EOF>".to_owned(), part);
        let first = &self.tokens[self.at.min(self.tokens.len()).saturating_sub(1)];
        let last = &self.tokens[(self.at + 1).min(self.tokens.len() - 1)];
        self.parameter.invalid(format!(
            "Syntax error; token: \"{token}\", near: \"{}\"",
            &self.text[first.start..last.end]
        ))
    }

    fn or(&mut self) -> Result<Condition, Fault> {
        let mut left = self.and()?;
        while self.take_word("OR") {
            left = Condition::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Condition, Fault> {
        let mut left = self.not()?;
        while self.take_word("AND") {
            left = Condition::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Condition, Fault> {
        if self.take_word("NOT") {
            return Ok(Condition::Not(Box::new(self.not()?)));
        }
        if self.take("(") {
            let condition = self.or()?;
            self.expect(")")?;
            return Ok(condition);
        }
        match self.function_name() {
            Some(name) if name != "size" => self.function(&name),
            Some(_) | None => self.comparison(),
        }
    }

    /// The name of the function whose call comes next.
    fn function_name(&self) -> Option<String> {
        let opens = self.tokens.get(self.at + 1)?.kind == Kind::Symbol("(");
        match self.peek() {
            Some(Kind::Word(name)) if opens => Some(name.clone()),
            Some(_) | None => None,
        }
    }

    fn function(&mut self, name: &str) -> Result<Condition, Fault> {
        let wanted = match name {
            "attribute_exists" | "attribute_not_exists" => 1,
            "attribute_type" | "begins_with" | "contains" => 2,
            "if_not_exists" | "list_append" => {
                return Err(self.parameter.invalid(format!(
                    "The function is not allowed in a condition expression; function: {name}"
                )));
            }
            _ => return Err(self.no_function(name)),
        };
        self.at += 2;
        let mut operands = vec![self.operand()?];
        while self.take(",") {
            operands.push(self.operand()?);
        }
        self.expect(")")?;
        if operands.len() != wanted {
            return Err(self.wrong_count(name, operands.len()));
        }
        let mut operands = operands.into_iter();
        match (name, operands.next(), operands.next()) {
            ("attribute_exists", Some(Operand::Path(path)), None) => Ok(Condition::Exists(path)),
            ("attribute_not_exists", Some(Operand::Path(path)), None) => {
                Ok(Condition::NotExists(path))
            }
            ("attribute_type", Some(Operand::Path(path)), Some(Operand::Value(Value::S(kind)))) => {
                if TYPES.contains(&kind.as_str()) {
                    return Ok(Condition::Type(path, kind));
                }
                Err(self.parameter.invalid(format!(
                    "Invalid attribute type name found; type: {kind}, valid types: {{{}}}",
                    TYPES.join(",")
                )))
            }
            ("begins_with", Some(text), Some(start)) => {
                let fits = |value: &Value| matches!(value, Value::S(_) | Value::B(_));
                self.check_types(name, [&text, &start], fits)?;
                Ok(Condition::BeginsWith(text, start))
            }
            ("contains", Some(whole), Some(part)) => Ok(Condition::Contains(whole, part)),
            _ => Err(self.needs_path(name)),
        }
    }

    fn comparison(&mut self) -> Result<Condition, Fault> {
        let left = self.operand()?;
        if self.take_word("BETWEEN") {
            let low = self.operand()?;
            if !self.take_word("AND") {
                return Err(self.unexpected());
            }
            let high = self.operand()?;
            self.check_types("BETWEEN", [&low, &high], has_order)?;
            self.check_bounds(&low, &high)?;
            return Ok(Condition::Between(left, low, high));
        }
        if self.take_word("IN") {
            self.expect("(")?;
            let mut list = vec![self.operand()?];
            while self.take(",") {
                list.push(self.operand()?);
            }
            self.expect(")")?;
            return Ok(Condition::In(left, list));
        }
        let symbol = match self.peek() {
            Some(Kind::Symbol(symbol)) => *symbol,
            Some(Kind::Word(_) | Kind::Name(_) | Kind::Value(_) | Kind::Number(_)) => {
                return Err(self.unexpected());
            }
            None if matches!(left, Operand::Size(_)) => {
                return Err(self.parameter.invalid(
                    "The function is not allowed to be used this way in an expression; function: size",
                ));
            }
            None => return Err(self.unexpected()),
        };
        let Some(comparison) = Comparison::read(symbol) else {
            return Err(self.unexpected());
        };
        self.at += 1;
        let right = self.operand()?;
        if comparison.orders() {
            self.check_types(symbol, [&left, &right], has_order)?;
        }
        Ok(Condition::Compare(left, comparison, right))
    }

    fn operand(&mut self) -> Result<Operand, Fault> {
        if let Some(name) = self.function_name() {
            if name != "size" {
                return Err(self.no_function(&name));
            }
            self.at += 2;
            let path = self.path()?;
            self.expect(")")?;
            return Ok(Operand::Size(path));
        }
        if let Some(Kind::Value(key)) = self.peek().cloned() {
            self.at += 1;
            let value = self.names.value(self.parameter, &key)?;
            return Ok(Operand::Value(value.clone()));
        }
        self.path().map(Operand::Path)
    }

    /// One name of a path: a word that is not reserved, or a placeholder.
    fn name(&mut self) -> Result<String, Fault> {
        match self.peek().cloned() {
            Some(Kind::Word(word)) => {
                if is_reserved(&word) {
                    return Err(self.parameter.invalid(format!(
                        "Attribute name is a reserved keyword; reserved keyword: {word}"
                    )));
                }
                self.at += 1;
                Ok(word)
            }
            Some(Kind::Name(key)) => {
                self.at += 1;
                Ok(self.names.name(self.parameter, &key)?.to_owned())
            }
            Some(Kind::Value(_) | Kind::Number(_) | Kind::Symbol(_)) | None => {
                Err(self.unexpected())
            }
        }
    }

    fn path(&mut self) -> Result<Path, Fault> {
        let name = self.name()?;
        let mut steps = Vec::new();
        loop {
            if self.take(".") {
                steps.push(Step::Field(self.name()?));
            } else if self.take("[") {
                let Some(Kind::Number(index)) = self.peek().cloned() else {
                    return Err(self.unexpected());
                };
                self.at += 1;
                self.expect("]")?;
                steps.push(Step::Index(index));
            } else {
                return Ok(Path { name, steps });
            }
        }
    }

    /// What `SET` sets: a term, or two added or subtracted.
    fn sum(&mut self) -> Result<Term, Fault> {
        let left = self.term()?;
        for (symbol, sum) in [("+", Term::Plus as fn(_, _) -> _), ("-", Term::Minus)] {
            if self.take(symbol) {
                let right = self.term()?;
                for term in [&left, &right] {
                    if let Term::Value(value) = term
                        && !matches!(value, Value::N(_))
                    {
                        return Err(self.wrong_type(symbol, value));
                    }
                }
                return Ok(sum(Box::new(left), Box::new(right)));
            }
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Term, Fault> {
        if let Some(name) = self.function_name() {
            self.at += 2;
            let term = match name.as_str() {
                "if_not_exists" => {
                    let path = match self.peek() {
                        Some(Kind::Value(_)) => return Err(self.needs_path(&name)),
                        Some(_) | None => self.path()?,
                    };
                    self.expect(",")?;
                    Term::IfNotExists(path, Box::new(self.term()?))
                }
                "list_append" => {
                    let first = self.term()?;
                    self.expect(",")?;
                    let second = self.term()?;
                    for term in [&first, &second] {
                        if let Term::Value(value) = term
                            && !matches!(value, Value::L(_))
                        {
                            return Err(self.wrong_type(&name, value));
                        }
                    }
                    Term::ListAppend(Box::new(first), Box::new(second))
                }
                _ => return Err(self.no_function(&name)),
            };
            self.expect(")")?;
            return Ok(term);
        }
        if self.take("(") {
            let term = self.sum()?;
            self.expect(")")?;
            return Ok(term);
        }
        if let Some(Kind::Value(key)) = self.peek().cloned() {
            self.at += 1;
            let value = self.names.value(self.parameter, &key)?;
            return Ok(Term::Value(value.clone()));
        }
        self.path().map(Term::Path)
    }

    /// The value of `ADD` and `DELETE`.
    fn number_or_set(&mut self, section: &str) -> Result<Value, Fault> {
        let Some(Kind::Value(key)) = self.next() else {
            self.at = self.at.saturating_sub(1);
            return Err(self.unexpected());
        };
        let value = self.names.value(self.parameter, &key)?.clone();
        let fits = match value {
            Value::N(_) => section == "ADD",
            Value::Ss(_) | Value::Ns(_) | Value::Bs(_) => true,
            Value::S(_)
            | Value::B(_)
            | Value::Bool(_)
            | Value::Null
            | Value::M(_)
            | Value::L(_) => false,
        };
        if fits {
            return Ok(value);
        }
        Err(self.parameter.invalid(format!(
            "Incorrect operand type for operator or function; operator: {section}, operand type: {}, typeSet: ALLOWED_FOR_{section}_OPERAND",
            long_type(&value)
        )))
    }

    fn check_overlaps(&self, paths: &[&Path]) -> Result<(), Fault> {
        for (index, one) in paths.iter().enumerate() {
            if let Some(two) = paths[index + 1..].iter().find(|two| one.overlaps(two)) {
                return Err(self.parameter.invalid(format!(
                    "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: {one}, path two: {two}"
                )));
            }
        }
        Ok(())
    }

    /// Checks the types of those operands that are values.
    fn check_types(
        &self,
        function: &str,
        operands: [&Operand; 2],
        fits: fn(&Value) -> bool,
    ) -> Result<(), Fault> {
        for operand in operands {
            if let Operand::Value(value) = operand
                && !fits(value)
            {
                return Err(self.wrong_type(function, value));
            }
        }
        Ok(())
    }

    fn check_bounds(&self, low: &Operand, high: &Operand) -> Result<(), Fault> {
        let (Operand::Value(low), Operand::Value(high)) = (low, high) else {
            return Ok(());
        };
        if low.order(high).is_some_and(std::cmp::Ordering::is_le) {
            return Ok(());
        }
        let bound = |value: &Value| {
            let json = value.to_json();
            let text = json[value.kind()].as_str().unwrap_or_default().to_owned();
            format!("AttributeValue: {{{}:{text}}}", value.kind())
        };
        Err(self.parameter.invalid(format!(
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: {}, upper bound operand: {}",
            bound(low),
            bound(high)
        )))
    }

    fn wrong_type(&self, function: &str, value: &Value) -> Fault {
        self.parameter.invalid(format!(
            "Incorrect operand type for operator or function; operator or function: {function}, operand type: {}",
            value.kind()
        ))
    }

    fn wrong_count(&self, function: &str, count: usize) -> Fault {
        self.parameter.invalid(format!(
            "Incorrect number of operands for operator or function; operator or function: {function}, number of operands: {count}"
        ))
    }

    fn needs_path(&self, function: &str) -> Fault {
        self.parameter.invalid(format!(
            "Operator or function requires a document path; operator or function: {function}"
        ))
    }

    fn no_function(&self, name: &str) -> Fault {
        self.parameter
            .invalid(format!("Invalid function name; function: {name}"))
    }
}

fn has_order(value: &Value) -> bool {
    matches!(value, Value::S(_) | Value::N(_) | Value::B(_))
}

fn is_reserved(word: &str) -> bool {
    let word = word.to_uppercase();
    RESERVED.lines().any(|reserved| reserved == word)
}

fn long_type(value: &Value) -> &'static str {
    match value {
        Value::S(_) => "STRING",
        Value::N(_) => "NUMBER",
        Value::B(_) => "BINARY",
        Value::Bool(_) => "BOOLEAN",
        Value::Null => "NULL",
        Value::M(_) => "MAP",
        Value::L(_) => "LIST",
        Value::Ss(_) => "STRING_SET",
        Value::Ns(_) => "NUMBER_SET",
        Value::Bs(_) => "BINARY_SET",
    }
}
