"""Images and files, as data URLs: the provider must have seen them."""

import base64
import struct
import zlib

import pytest
import upstreams


def png() -> bytes:
    """A real picture of one red dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""


def data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", upstreams.VISION)
def test_image(client, model, stream):
    plain = {"role": "user", "content": [{"type": "text", "text": "What is this?"}]}
    image = {"type": "image_url", "image_url": {"url": data_url("image/png", png())}}
    pictured = {"role": "user", "content": [*plain["content"], image]}

    without = usage(client, model, [plain], stream)
    with_image = usage(client, model, [pictured], stream)
    assert with_image.prompt_tokens > without.prompt_tokens, "the image is paid for"


@pytest.mark.parametrize("model", upstreams.FILES)
def test_pdf(client, model):
    plain = {"role": "user", "content": [{"type": "text", "text": "Sum it up."}]}
    file = {"type": "file", "file": {"filename": "note.pdf", "file_data": data_url("application/pdf", PDF)}}
    filed = {"role": "user", "content": [file, *plain["content"]]}

    without = usage(client, model, [plain], False)
    with_file = usage(client, model, [filed], False)
    assert with_file.prompt_tokens > without.prompt_tokens, "the file is paid for"


def usage(client, model, messages, stream):
    if not stream:
        return client.chat.completions.create(model=model, messages=messages).usage
    chunks = client.chat.completions.create(
        model=model, messages=messages, stream=True, stream_options={"include_usage": True}
    )
    return list(chunks)[-1].usage
