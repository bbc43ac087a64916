//! Reading expressions.

/// How deep an expression may be nested.
const DEEPEST: usize = 64;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Expression {
    Number(f64),
    Text(String),
    /// The id of a query, or a word that a function knows, e.g. `REPEAT`.
    Name(String),
    List(Vec<Expression>),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Call(String, Vec<Expression>),
}

/// What is between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

impl Operator {
    /// How tightly it binds.
    fn strength(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => 3,
            Self::Add | Self::Subtract => 4,
            Self::Multiply | Self::Divide => 5,
            Self::Power => 7,
        }
    }
}

/// How tightly a sign binds: more than a product, less than a power.
const SIGN: u8 = 6;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Name(String),
    Operator(Operator),
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
}

impl Expression {
    /// Reads an expression; says why when it does not read.
    pub(in super::super) fn read(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
        };
        let expression = parser.expression(0)?;
        match parser.next() {
            None => Ok(expression),
            Some(token) => Err(format!("unexpected {}", describe(&token))),
        }
    }
}

fn describe(token: &Token) -> String {
    match token {
        Token::Number(number) => format!("number {number}"),
        Token::Text(text) => format!("text '{text}'"),
        Token::Name(name) => format!("'{name}'"),
        Token::Operator(operator) => format!("operator {operator:?}"),
        Token::Open => "'('".to_owned(),
        Token::Close => "')'".to_owned(),
        Token::OpenList => "'['".to_owned(),
        Token::CloseList => "']'".to_owned(),
        Token::Comma => "','".to_owned(),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SIGNS: [(&str, Token); 19] = [
        ("&&", Token::Operator(Operator::And)),
        ("||", Token::Operator(Operator::Or)),
        ("==", Token::Operator(Operator::Equal)),
        ("!=", Token::Operator(Operator::NotEqual)),
        ("<=", Token::Operator(Operator::LessOrEqual)),
        (">=", Token::Operator(Operator::GreaterOrEqual)),
        ("<", Token::Operator(Operator::Less)),
        (">", Token::Operator(Operator::Greater)),
        ("=", Token::Operator(Operator::Equal)),
        ("+", Token::Operator(Operator::Add)),
        ("-", Token::Operator(Operator::Subtract)),
        ("*", Token::Operator(Operator::Multiply)),
        ("/", Token::Operator(Operator::Divide)),
        ("^", Token::Operator(Operator::Power)),
        ("(", Token::Open),
        (")", Token::Close),
        ("[", Token::OpenList),
        ("]", Token::CloseList),
        (",", Token::Comma),
    ];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end_of = |fits: fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let end;
        if let Some((sign, token)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            end = sign.len();
            tokens.push(token.clone());
        } else if first.is_ascii_digit() || first == '.' {
            let mut stop = end_of(|c| c.is_ascii_digit() || c == '.');
            // An exponent: 1e6, 2.5E-3.
            let exponent = rest[stop..].strip_prefix(['e', 'E']).map(|after| {
                let digits = after.strip_prefix(['+', '-']).unwrap_or(after);
                let count = digits
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(digits.len());
                (count > 0).then_some(1 + after.len() - digits.len() + count)
            });
            stop += exponent.flatten().unwrap_or(0);
            let number = rest[..stop].parse();
            tokens.push(Token::Number(
                number.map_err(|_| format!("'{}' is no number", &rest[..stop]))?,
            ));
            end = stop;
        } else if first == '"' || first == '\'' {
            let close = rest[1..]
                .find(first)
                .ok_or("a quotation mark is not closed")?;
            tokens.push(Token::Text(rest[1..=close].to_owned()));
            end = close + 2;
        } else if first.is_ascii_alphabetic() || first == '_' {
            end = end_of(|c| c.is_ascii_alphanumeric() || c == '_');
            tokens.push(match &rest[..end] {
                "AND" => Token::Operator(Operator::And),
                "OR" => Token::Operator(Operator::Or),
                name => Token::Name(name.to_owned()),
            });
        } else {
            return Err(format!("unexpected character '{first}'"));
        }
        rest = rest[end..].trim_start();
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let is = self.tokens.get(self.at) == Some(wanted);
        self.at += usize::from(is);
        is
    }

    /// What binds more tightly than `than`.
    fn expression(&mut self, than: u8) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let mut left = self.operand()?;
        while let Some(Token::Operator(operator)) = self.tokens.get(self.at) {
            let operator = *operator;
            if operator.strength() <= than {
                break;
            }
            self.at += 1;
            // Powers bind to the right: 2 ^ 3 ^ 2 is 2 ^ 9.
            let right = if operator == Operator::Power {
                self.expression(operator.strength() - 1)?
            } else {
                self.expression(operator.strength())?
            };
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, String> {
        match self.next() {
            Some(Token::Number(number)) => Ok(Expression::Number(number)),
            Some(Token::Text(text)) => Ok(Expression::Text(text)),
            Some(Token::Name(name)) if self.take(&Token::Open) => {
                Ok(Expression::Call(name, self.items(&Token::Close)?))
            }
            Some(Token::Name(name)) => Ok(Expression::Name(name)),
            Some(Token::Operator(Operator::Subtract)) => {
                Ok(Expression::Negative(Box::new(self.expression(SIGN)?)))
            }
            Some(Token::Open) => {
                let inner = self.expression(0)?;
                if self.take(&Token::Close) {
                    Ok(inner)
                } else {
                    Err("')' is missing".to_owned())
                }
            }
            Some(Token::OpenList) => Ok(Expression::List(self.items(&Token::CloseList)?)),
            Some(token) => Err(format!("unexpected {}", describe(&token))),
            None => Err("it ends too early".to_owned()),
        }
    }

    /// Items between commas, up to the closing token.
    fn items(&mut self, close: &Token) -> Result<Vec<Expression>, String> {
        let mut items = Vec::new();
        if self.take(close) {
            return Ok(items);
        }
        loop {
            items.push(self.expression(0)?);
            if self.take(close) {
                return Ok(items);
            }
            if !self.take(&Token::Comma) {
                return Err(format!("',' or {} is missing", describe(close)));
            }
        }
    }
}
