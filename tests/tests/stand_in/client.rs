//! A caller that reads raw answers, the broken ones too.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use istio_cloud_map_tests::cloud_map::{Operation, StandIn};
use serde_json::Value;

/// A connection that is kept.
pub struct Client {
    stream: BufReader<TcpStream>,
    authorization: &'static str,
    /// Between the head of a request and its body.
    pause: Duration,
}

/// An answer whose body came whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
}

impl Client {
    pub fn of(stand_in: &StandIn) -> io::Result<Self> {
        let stream = TcpStream::connect(stand_in.address())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let authorization = "authorization: AWS4-HMAC-SHA256 Credential=AKIDTEST/20250101/us-west-2/servicediscovery/aws4_request\r\n";
        Ok(Self { stream: BufReader::new(stream), authorization, pause: Duration::ZERO })
    }

    pub fn unsigned(mut self) -> Self {
        self.authorization = "";
        self
    }

    pub fn slow(mut self) -> Self {
        self.pause = Duration::from_millis(20);
        self
    }

    pub fn give_up_after(self, time: Duration) -> io::Result<Self> {
        self.stream.get_ref().set_read_timeout(Some(time))?;
        Ok(self)
    }

    /// Calls, and reads what must be an answer in JSON.
    pub fn call(&mut self, operation: Operation, body: &Value) -> io::Result<Value> {
        Ok(serde_json::from_str(&self.ask(operation.name(), &body.to_string())?.text)?)
    }

    /// Calls in vain, and reads the error's type.
    pub fn refusal(&mut self, operation: Operation, body: &Value) -> io::Result<String> {
        let answer = self.call(operation, body)?;
        Ok(answer.get("__type").and_then(Value::as_str).unwrap_or("none").to_owned())
    }

    /// The host is one that the SDK's prefix makes of the endpoint's.
    pub fn ask(&mut self, operation: &str, body: &str) -> io::Result<Answer> {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: data-127.0.0.1\r\n{}content-type: application/x-amz-json-1.1\r\n\
             x-amz-target: Route53AutoNaming_v20170314.{operation}\r\ncontent-length: {}\r\n\r\n",
            self.authorization,
            body.len()
        );
        // In two writes, as clients do whose bodies come from elsewhere than their heads.
        self.stream.get_mut().write_all(request.as_bytes())?;
        thread::sleep(self.pause);
        self.stream.get_mut().write_all(body.as_bytes())?;
        self.read()
    }

    fn read(&mut self) -> io::Result<Answer> {
        let mut status = 0;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            match line.split_once(' ') {
                Some(("http/1.1", rest)) => {
                    status = rest.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(0);
                }
                Some(("content-length:", rest)) => length = rest.parse().unwrap_or(0),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, text: String::from_utf8_lossy(&body).into_owned() })
    }
}
