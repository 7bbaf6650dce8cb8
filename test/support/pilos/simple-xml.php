<?php

/*
 * What PILOS reads of each metadata.xml: a list of them in base64, as JSON, on stdin; a list of what was read on
 * stdout, with null for those at which an import throws. As in Laravel, every warning is an exception.
 */

set_error_handler(function (int $level, string $message): bool {
    throw new ErrorException($message, 0, $level);
});

function readMetadata(SimpleXMLElement $xml): array
{
    $link = (string) $xml->playback->link;

    return [
        'id' => (string) $xml->id,
        'meetingId' => (string) $xml->meta->meetingId,
        'format' => (string) $xml->playback->format,
        'link' => $link,
        'path' => parse_url($link)['path'],
    ];
}

$results = [];
foreach (json_decode(stream_get_contents(STDIN), true, flags: JSON_THROW_ON_ERROR) as $document) {
    try {
        $results[] = readMetadata(simplexml_load_string(base64_decode($document)));
    } catch (Throwable) {
        $results[] = null;
    }
}
echo json_encode($results, JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES);
