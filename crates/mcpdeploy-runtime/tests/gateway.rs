//! A gateway before a function, so that clients which speak HTTP reach it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::lambda::{Answer, Function, event, headers};

/// Puts a gateway before the function, for as long as the test runs; its address.
pub(crate) fn before(function: Function) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let function = Arc::new(Mutex::new(function));
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let function = function.clone();
            std::thread::spawn(move || connection(stream, &function));
        }
    });
    address
}

fn connection(stream: TcpStream, function: &Mutex<Function>) {
    let mut out = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let sent = headers(&mut reader);
        let length = sent.get("content-length").map_or(0, |l| l.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        let pairs: Vec<(&str, &str)> = sent
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let event = event(method, target, &pairs, Some(&body));
        let Answer(answer) = function.lock().unwrap().ask(&event);
        let body = answer["body"].as_str().unwrap();
        let body = if answer["isBase64Encoded"] == true {
            BASE64_STANDARD.decode(body).unwrap()
        } else {
            body.as_bytes().to_vec()
        };
        let mut whole = format!("HTTP/1.1 {} -\r\n", answer["statusCode"]);
        for (name, value) in answer["headers"].as_object().unwrap() {
            whole.push_str(&format!("{name}: {}\r\n", value.as_str().unwrap()));
        }
        whole.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let mut whole = whole.into_bytes();
        whole.extend(body);
        if out.write_all(&whole).is_err() {
            return;
        }
    }
}
