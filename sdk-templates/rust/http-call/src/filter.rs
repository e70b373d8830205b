use std::rc::Rc;
use std::str::from_utf8;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::config::{Config, Verdict};

/// Lives as long as the configuration.
#[derive(Default)]
pub struct Plugin {
    config: Rc<Config>,
}

impl Context for Plugin {}

impl RootContext for Plugin {
    fn on_configure(&mut self, _size: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        match Config::from_json(&text) {
            Ok(config) => self.config = Rc::new(config),
            Err(reason) => {
                log::error!("the configuration is refused: {reason}");
                return false;
            }
        }
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Filter {
            config: Rc::clone(&self.config),
        }))
    }
}

/// Sees one request, which waits for the service's answer.
struct Filter {
    config: Rc<Config>,
}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        // Only the service says whose a request is.
        self.remove_http_request_header("x-user");
        let path = self
            .get_http_request_header_bytes(":path")
            .unwrap_or_default();
        let authorization = self.get_http_request_header_bytes("authorization");
        let (Ok(path), Ok(authorization)) = (
            from_utf8(&path),
            authorization.as_deref().map(from_utf8).transpose(),
        ) else {
            // The service could not be shown what is no text.
            return self.answer(Verdict::Deny);
        };
        let mut headers = vec![
            (":method", "GET"),
            (":path", &self.config.path),
            (":authority", &self.config.cluster),
            ("x-original-path", path),
        ];
        if let Some(authorization) = authorization {
            headers.push(("authorization", authorization));
        }
        let call = self.dispatch_http_call(
            &self.config.cluster,
            headers,
            None,
            vec![],
            self.config.timeout(),
        );
        if let Err(status) = call {
            log::warn!(
                "the service {:?} cannot be called: {status:?}",
                self.config.cluster
            );
            return self.answer(Verdict::Unknown);
        }
        Action::Pause
    }
}

impl Context for Filter {
    fn on_http_call_response(&mut self, _call: u32, headers: usize, _body: usize, _: usize) {
        // Without headers there was no answer, and nothing may be read.
        let status = match headers {
            0 => None,
            _ => self.get_http_call_response_header_bytes(":status"),
        };
        let verdict = Verdict::of(status.as_deref());
        if verdict != Verdict::Pass {
            self.answer(verdict);
            return;
        }
        if let Some(user) = self.get_http_call_response_header_bytes("x-user") {
            self.set_http_request_header_bytes("x-user", Some(&user));
        }
        self.resume_http_request();
    }
}

impl Filter {
    /// Answers a request that does not pass.
    fn answer(&self, verdict: Verdict) -> Action {
        let (status, body): (u32, &[u8]) = match verdict {
            Verdict::Deny => (403, b"denied\n"),
            _ => (503, b"cannot be checked now\n"),
        };
        self.send_http_response(status, vec![("content-type", "text/plain")], Some(body));
        Action::Pause
    }
}
