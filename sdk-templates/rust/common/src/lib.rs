//! A Proxy-Wasm module with one plugin. `config` holds what can be told without a proxy, `filter` talks to it.

mod config;
mod json;

// A unit test has no proxy to call.
#[cfg(not(test))]
mod filter;

#[cfg(not(test))]
proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(filter::Plugin::default()));
}}
