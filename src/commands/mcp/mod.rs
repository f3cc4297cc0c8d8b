//! `gen mcp`: the Model Context Protocol on standard input and output, one message of JSON-RPC a line.
//!
//! Up to its version 2025-11-25 a client begins with `initialize`; since 2026-07-28 each request says its version, and there is no
//! state. This server has none in either case.

mod tools;

use std::io::{self, BufRead as _};
use std::sync::atomic::Ordering;

use camino::Utf8Path;
use serde_json::{Map, Value, json};

use self::tools::{Program, Tool};
use super::{LOST, Outcome, Ran, print, stop};
use crate::cli::Mcp;

/// The version of the protocol in which requests say their version.
const STATELESS: &str = "2026-07-28";

/// Versions of the protocol that begin with `initialize`, newest first. 2025-03-26 has batches, which no client needs.
const WITH_INITIALIZE: [&str; 3] = ["2025-11-25", "2025-06-18", "2024-11-05"];

/// Where a request of [`STATELESS`] says its version.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// How long a client may keep the list of tools, in milliseconds: it never changes.
const FRESH: u32 = 3_600_000;

/// Instructions for agents, sent when they connect.
const INSTRUCTIONS: &str = "`gen` renders the files of a development stack from `spec/stack.toml`. Change the spec, not the files \
    that are rendered from it: `impact` says which lines a key of the spec changes, `explain` which keys a line comes from, \
    `diagnostics` what is wrong in the spec, `check` which files have to be rendered again, and `review` what a change means.";

/// Errors of JSON-RPC and of the protocol.
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const UNSUPPORTED_VERSION: i32 = -32022;

pub fn run(Mcp { write }: &Mcp, spec: Option<&Utf8Path>) -> Ran {
    let program = Program::new(spec)?;
    let tools: Vec<&Tool> = tools::ALL.iter().filter(|tool| *write || !tool.writes).collect();
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        let read = read.map_err(|error| stop(Outcome::Failed, format!("cannot read the input: {error}")))?;
        if read == 0 {
            return Ok(Outcome::Clean);
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Some(response) = answer(&line, &tools, &program) {
            print(io::stdout(), &format!("{response}\n"));
            if LOST.load(Ordering::Relaxed) {
                return Err(Outcome::Failed);
            }
        }
    }
}

/// The response to a message, unless it asks for none.
fn answer(line: &[u8], tools: &[&Tool], program: &Program<'_>) -> Option<Value> {
    let (id, answered) = match serde_json::from_slice::<Value>(line) {
        Err(error) => (Value::Null, Err(Refusal::new(PARSE_ERROR, error.to_string()))),
        Ok(message) => {
            let method = message["method"].as_str();
            match (method, &message["id"]) {
                // A notification, or a response to a request that was never made.
                (Some(_), _) if message.get("id").is_none() => return None,
                (None, _) if message.get("result").or(message.get("error")).is_some() => return None,
                (Some(method), id @ (Value::Number(_) | Value::String(_))) => {
                    (id.clone(), request(method, &message["params"], tools, program))
                }
                _ => (Value::Null, Err(Refusal::new(INVALID_REQUEST, "not a JSON-RPC request"))),
            }
        }
    };
    Some(match answered {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(Refusal { code, message, data }) => {
            let mut error = json!({ "code": code, "message": message });
            if let Some(data) = data {
                error["data"] = data;
            }
            json!({ "jsonrpc": "2.0", "id": id, "error": error })
        }
    })
}

/// Why a request has no result.
struct Refusal {
    code: i32,
    message: String,
    data: Option<Value>,
}

impl Refusal {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }
}

/// The result of a request.
fn request(method: &str, params: &Value, tools: &[&Tool], program: &Program<'_>) -> Result<Value, Refusal> {
    let versions = || [STATELESS].into_iter().chain(WITH_INITIALIZE);
    let version = params["_meta"][VERSION].as_str();
    if let Some(requested) = version.filter(|version| !versions().any(|known| known == *version)) {
        let data = json!({ "requested": requested, "supported": versions().collect::<Vec<_>>() });
        let message = format!("unsupported protocol version `{requested}`");
        return Err(Refusal { data: Some(data), ..Refusal::new(UNSUPPORTED_VERSION, message) });
    }
    let server = json!({ "name": "gen", "version": env!("CARGO_PKG_VERSION") });
    let capabilities = json!({ "tools": {} });
    let result = match method {
        "initialize" => {
            let wanted = params["protocolVersion"].as_str();
            let version = WITH_INITIALIZE.into_iter().find(|version| Some(*version) == wanted);
            json!({
                "protocolVersion": version.unwrap_or(WITH_INITIALIZE[0]),
                "capabilities": capabilities,
                "serverInfo": server,
                "instructions": INSTRUCTIONS,
            })
        }
        "server/discover" => json!({
            "supportedVersions": versions().collect::<Vec<_>>(),
            "capabilities": capabilities,
            "instructions": INSTRUCTIONS,
            "ttlMs": FRESH,
            "cacheScope": "private",
            "_meta": { "io.modelcontextprotocol/serverInfo": server },
        }),
        "ping" => json!({}),
        "tools/list" => {
            let listed: Vec<Value> = tools.iter().map(|tool| tool.described()).collect();
            let mut result = json!({ "tools": listed });
            if version == Some(STATELESS) {
                result["ttlMs"] = FRESH.into();
                result["cacheScope"] = "private".into();
            }
            result
        }
        "tools/call" => {
            let name = params["name"].as_str().unwrap_or_default();
            let Some(tool) = tools.iter().find(|tool| tool.name == name) else {
                return Err(Refusal::new(INVALID_PARAMS, format!("unknown tool `{name}`")));
            };
            let none = Map::new();
            let arguments = match &params["arguments"] {
                Value::Null => &none,
                Value::Object(arguments) => arguments,
                _ => return Err(Refusal::new(INVALID_PARAMS, "`arguments` is not an object")),
            };
            tool.call(arguments, program)
        }
        _ => return Err(Refusal::new(METHOD_NOT_FOUND, format!("unknown method `{method}`"))),
    };
    Ok(match result {
        Value::Object(mut keys) if version == Some(STATELESS) => {
            keys.insert("resultType".to_owned(), "complete".into());
            keys.into()
        }
        result => result,
    })
}
