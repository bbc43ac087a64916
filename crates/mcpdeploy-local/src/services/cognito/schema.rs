//! The attributes of a pool's users: the standard ones of OpenID Connect, and the pool's own.

use serde_json::{Map, Value, json};

use super::faults;
use super::input::Input;
use super::model::{Attribute, Pool};
use crate::wire::Fault;

/// The standard attributes that are texts. Source: "Working with user attributes".
const TEXTS: [&str; 16] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "address",
];

/// All attributes of a pool that is made with these.
pub(super) fn read(given: &[Value]) -> Result<Vec<Attribute>, Fault> {
    let mut schema = standard();
    for one in given {
        let one = Input(one);
        let name = one.filled("Name")?;
        let required = one.flag("Required")?.unwrap_or_default();
        let mutable = one.flag("Mutable")?;
        let constraints = one.pick(&["StringAttributeConstraints", "NumberAttributeConstraints"]);
        if let Some(standard) = schema.iter_mut().find(|attribute| attribute.name == name) {
            let kind = one.text_if("AttributeDataType")?;
            let own = kind.is_some_and(|kind| kind != standard.attribute_data_type);
            if own || one.flag("DeveloperOnlyAttribute")?.unwrap_or_default() {
                return Err(faults::parameter(format!(
                    "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute {name}"
                )));
            }
            standard.required = required;
            standard.mutable = mutable.unwrap_or(true);
            standard.constraints.extend(constraints);
        } else {
            schema.push(own(one, name, required, mutable, constraints)?);
        }
    }
    Ok(schema)
}

/// Further attributes of a pool that is there.
pub(super) fn add(pool: &Pool, given: &[Value]) -> Result<Vec<Attribute>, Fault> {
    let mut schema = pool.schema.clone();
    for one in given {
        let one = Input(one);
        let constraints = one.pick(&["StringAttributeConstraints", "NumberAttributeConstraints"]);
        let required = one.flag("Required")?.unwrap_or_default();
        let name = one.filled("Name")?;
        let new = own(one, name, required, one.flag("Mutable")?, constraints)?;
        if schema.iter().any(|attribute| attribute.name == new.name) {
            return Err(faults::parameter(format!(
                "{}: Existing attribute already has name {}.",
                new.name, new.name
            )));
        }
        schema.push(new);
    }
    Ok(schema)
}

fn own(
    one: Input<'_>,
    name: &str,
    required: bool,
    mutable: Option<bool>,
    mut constraints: Map<String, Value>,
) -> Result<Attribute, Fault> {
    if required {
        return Err(faults::parameter(
            "Required custom attributes are not supported currently.",
        ));
    }
    let kinds = ["String", "Number", "DateTime", "Boolean"];
    let kind = one.one_of("AttributeDataType", &kinds)?;
    let kind = kind.ok_or_else(|| {
        faults::parameter(
            "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.",
        )
    })?;
    let developer = one.flag("DeveloperOnlyAttribute")?.unwrap_or_default();
    match kind {
        "String" => constraints
            .entry("StringAttributeConstraints")
            .or_insert_with(|| json!({})),
        "Number" => constraints
            .entry("NumberAttributeConstraints")
            .or_insert_with(|| json!({})),
        _ => &mut Value::Null,
    };
    let prefix = if developer { "dev:custom:" } else { "custom:" };
    Ok(Attribute {
        name: format!("{prefix}{name}"),
        attribute_data_type: kind.to_owned(),
        developer_only_attribute: developer,
        mutable: mutable.unwrap_or_default(),
        required: false,
        constraints,
    })
}

fn standard() -> Vec<Attribute> {
    let attribute = |name: &str, kind: &str, constraints: Value| Attribute {
        name: name.to_owned(),
        attribute_data_type: kind.to_owned(),
        developer_only_attribute: false,
        mutable: name != "sub",
        required: name == "sub",
        constraints: match constraints {
            Value::Object(fields) => fields,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Map::new(),
        },
    };
    let lengths = |least: &str, most: &str| json!({"StringAttributeConstraints": {"MinLength": least, "MaxLength": most}});
    let mut all = vec![attribute("sub", "String", lengths("1", "2048"))];
    for name in TEXTS {
        let constraints = if name == "birthdate" {
            lengths("10", "10")
        } else {
            lengths("0", "2048")
        };
        all.push(attribute(name, "String", constraints));
        if name == "email" || name == "phone_number" {
            all.push(attribute(
                &format!("{name}_verified"),
                "Boolean",
                Value::Null,
            ));
        }
    }
    let number = json!({"NumberAttributeConstraints": {"MinValue": "0"}});
    all.push(attribute("updated_at", "Number", number));
    all
}

/// Whether users of a pool can have these attributes.
pub(super) fn check(pool: &Pool, attributes: &[(String, String)]) -> Result<(), Fault> {
    let unknown: Vec<String> = attributes
        .iter()
        .filter(|(name, _)| pool.attribute(name).is_none())
        .map(|(name, _)| format!("user.{name}: Attribute does not exist in the schema.\n"))
        .collect();
    if !unknown.is_empty() {
        let text = unknown.concat();
        return Err(faults::parameter(format!(
            "Attributes did not conform to the schema: {text}"
        )));
    }
    for (name, value) in attributes {
        if name == "email" && !plausible_email(value) {
            return Err(faults::parameter("Invalid email address format."));
        }
        if name == "phone_number" && !plausible_phone(value) {
            return Err(faults::parameter("Invalid phone number format."));
        }
    }
    Ok(())
}

/// Whether all attributes that the pool requires are there.
pub(super) fn check_required(pool: &Pool, attributes: &[(String, String)]) -> Result<(), Fault> {
    let missing: Vec<String> = pool
        .schema
        .iter()
        .filter(|attribute| attribute.required && attribute.name != "sub")
        .filter(|attribute| !attributes.iter().any(|(name, _)| *name == attribute.name))
        .map(|attribute| {
            format!(
                "{}: The attribute {} is required\n",
                attribute.name, attribute.name
            )
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(faults::parameter(format!(
        "Attributes did not conform to the schema: {}",
        missing.concat()
    )))
}

pub(super) fn plausible_email(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && !text.contains(char::is_whitespace)
}

pub(super) fn plausible_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
