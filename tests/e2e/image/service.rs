//! The program in the image of the end-to-end test, as everything that its services run.
//!
//! ```text
//! service serve PORT [FILE]       answers every GET with FILE as it is at the start, or with $ANSWER
//! service -config.file=FILE       the same, on the port that the configuration of Loki or Mimir names
//! service get URL                 prints the answer, as a one-shot does
//! service crash LINE…             prints the lines to standard error and ends with code 3
//! curl … URL                      a healthcheck
//! ```
//!
//! The first $UNREADY answers of a server are 503.

#![allow(missing_docs, reason = "a program")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its log is what the test reads")]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(22)
        }
    }
}

fn run() -> Result<u8> {
    let arguments: Vec<String> = env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [program, .., url] if program.ends_with("curl") => get(url).map(|_| 0),
        [_, "serve", port] => serve(port, &env::var("ANSWER").unwrap_or_default()),
        [_, "serve", port, file] => serve(port, &fs::read_to_string(file)?),
        [_, "get", url] => {
            println!("{}", get(url)?);
            Ok(0)
        }
        [_, "say", line] => {
            println!("{line}");
            Ok(0)
        }
        [_, "crash", lines @ ..] => {
            for line in lines {
                eprintln!("{line}");
            }
            Ok(3)
        }
        [_, argument] => {
            let file = argument.strip_prefix("-config.file=").ok_or("no such command")?;
            let text = fs::read_to_string(file)?;
            let port = text.lines().find_map(|line| line.trim().strip_prefix("http_listen_port: "));
            serve(port.ok_or("the configuration names no port")?, &text)
        }
        _ => Err("no such command".into()),
    }
}

fn serve(port: &str, answer: &str) -> Result<u8> {
    let mut unready = env::var("UNREADY").ok().and_then(|count| count.parse::<u32>().ok()).unwrap_or_default();
    let listener = TcpListener::bind(("0.0.0.0", port.parse()?))?;
    println!("serving on {port}");
    loop {
        let (stream, _) = listener.accept()?;
        let (status, body) = if unready > 0 { ("503 Unavailable", "") } else { ("200 OK", answer) };
        match reply(stream, status, body) {
            Ok(path) => {
                unready = unready.saturating_sub(1);
                println!("GET {path} {status}");
            }
            Err(error) => eprintln!("{error}"),
        }
    }
}

fn reply(mut stream: TcpStream, status: &str, body: &str) -> Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().ok_or("no request")??;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
    Ok(request.split(' ').nth(1).unwrap_or_default().to_owned())
}

/// The body of the answer, which must be 200.
fn get(url: &str) -> Result<String> {
    let rest = url.strip_prefix("http://").ok_or("no URL")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    let status = head.lines().next().unwrap_or_default();
    if status.contains(" 200 ") { Ok(body.to_owned()) } else { Err(format!("{url}: {status}").into()) }
}
