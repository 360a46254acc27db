//! Numbers as WebAssembly writes them: seven bits a byte, the lowest first.

/// A number, and what is after it.
pub fn read(bytes: &[u8]) -> (u64, &[u8]) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let (number, rest) = bytes.split_at(length);
    (number.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)), rest)
}

pub fn write(to: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        to.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    to.push(number.to_le_bytes()[0]);
}

#[test]
fn what_is_written_is_read() {
    for number in [0, 127, 128, 300, 32_785, u64::from(u32::MAX)] {
        let mut bytes = Vec::new();
        write(&mut bytes, number);
        bytes.push(7);
        assert_eq!(read(&bytes), (number, &[7][..]));
    }
}
