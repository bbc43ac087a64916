//! XML documents that come in: read into a tree, and written as they were.

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_xml_entity};
use quick_xml::events::Event;

use super::fault::malformed_xml;
use crate::wire::Fault;

/// An element. Attributes are not kept but for `xsi:type`, which grantees need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Reads a document whose root has one of these names.
    pub(super) fn read(bytes: &[u8], roots: &[&str]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|_| malformed_xml())?;
        let root = parse(text).ok_or_else(malformed_xml)?;
        if roots.contains(&root.name.as_str()) {
            Ok(root)
        } else {
            Err(malformed_xml())
        }
    }

    /// An element with text.
    pub(super) fn leaf(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            children: Vec::new(),
        }
    }

    /// An element with others in it.
    pub(super) fn with(name: &str, children: Vec<Self>) -> Self {
        Self {
            name: name.to_owned(),
            text: String::new(),
            children,
        }
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of a child.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// As a document of S3's.
    pub(super) fn document(&self) -> String {
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{} xmlns=\"{}\">",
            self.name,
            crate::wire::ServiceId::S3.namespace()
        );
        self.write_content(&mut out);
        out.push_str(&format!("</{}>", self.name));
        out
    }

    fn write_content(&self, out: &mut String) {
        if self.children.is_empty() {
            out.push_str(&escape(self.text.as_str()));
        }
        for child in &self.children {
            out.push_str(&format!("<{}>", child.name));
            child.write_content(out);
            out.push_str(&format!("</{}>", child.name));
        }
    }
}

fn parse(text: &str) -> Option<Element> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        let event = reader.read_event().ok()?;
        let closed = match event {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                open.push(Element::leaf(&name, ""));
                None
            }
            Event::Empty(start) => Some(Element::leaf(start.local_name().as_ref(), "")),
            Event::End(_) => Some(open.pop()?),
            Event::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text.xml10_content());
                }
                None
            }
            Event::CData(text) => {
                open.last_mut()?.text.push_str(&text.xml10_content());
                None
            }
            Event::GeneralRef(reference) => {
                let element = open.last_mut()?;
                match reference.resolve_char_ref().ok()? {
                    Some(character) => element.text.push(character),
                    None => {
                        let name = reference.xml10_content();
                        element.text.push_str(resolve_xml_entity(&name)?);
                    }
                }
                None
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => None,
            // No document type: nothing outside is ever looked at.
            Event::DocType(_) | Event::Eof => return None,
        };
        if let Some(element) = closed {
            match open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => return Some(element),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_and_written() {
        let text = "<?xml version=\"1.0\"?><a:Tagging xmlns:a=\"x\"> <TagSet><Tag><Key>a&amp;b&#33;</Key>\
                    <Value/></Tag></TagSet></a:Tagging>";
        let root = Element::read(text.as_bytes(), &["Tagging"]).unwrap();
        let tag = root
            .child("TagSet")
            .and_then(|set| set.child("Tag"))
            .unwrap();
        assert_eq!(tag.get("Key"), Some("a&b!"));
        assert_eq!(tag.get("Value"), Some(""));
        assert!(
            root.document().ends_with(
                "<TagSet><Tag><Key>a&amp;b!</Key><Value></Value></Tag></TagSet></Tagging>"
            )
        );
    }

    #[test]
    fn other_documents_are_malformed() {
        for text in [
            "",
            "<a>",
            "<a></b>",
            "text",
            "<b/>",
            "<!DOCTYPE a><a/>",
            "<a>&x;</a>",
        ] {
            let fault = Element::read(text.as_bytes(), &["a"]).unwrap_err();
            assert_eq!(fault.code, "MalformedXML", "{text}");
        }
    }
}
