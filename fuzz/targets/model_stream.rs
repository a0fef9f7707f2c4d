#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| frontdesk_llm::fuzzing::model_stream(bytes));
