#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| mcpdeploy_testkit::hostile::address(text));
