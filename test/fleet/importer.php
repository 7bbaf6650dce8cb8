<?php

/*
 * One PILOS instance on a test host: it looks into its sub directory of the spool every second, imports what ends
 * in `.tar`, deletes what was imported, and puts what cannot be imported into `failed/`. Ends when stdin is closed.
 *
 *   php importer.php DIRECTORY STORE
 *
 * Writes a line of JSON to stdout for each archive that it has taken. Times are seconds.
 */

require __DIR__ . '/pilos_import.php';

/** PILOS tries for an hour. */
const ATTEMPTS = 5;

function takeArchive(string $archive, string $store): array
{
    $name = basename($archive, '.tar');
    $waited = microtime(true) - filemtime($archive);
    $size = filesize($archive);
    $isAgain = is_dir("$store/$name");
    if (! $isAgain) {
        mkdir("$store/$name");
    }
    $started = microtime(true);
    $imported = importArchive($archive, "$store/$name");
    $deleted = $imported['exception'] === null && unlink($archive);
    $seconds = microtime(true) - $started;

    return compact('name', 'waited', 'size', 'isAgain', 'deleted', 'seconds') + $imported;
}

function putAside(string $archive): void
{
    $failed = dirname($archive) . '/failed';
    if (! is_dir($failed)) {
        mkdir($failed);
    }
    rename($archive, "$failed/" . basename($archive));
}

/** False when stdin was closed; waits for that until the moment. */
function waitUntil(float $moment): bool
{
    $left = max(0, $moment - microtime(true));
    $read = [STDIN];
    $none = null;
    $isReadable = stream_select($read, $none, $none, (int) $left, (int) (fmod($left, 1) * 1e6));

    return $isReadable === 0;
}

[, $directory, $store] = $argv;
$attempts = [];
do {
    $next = microtime(true) + 1;
    foreach (glob("$directory/*.tar") as $archive) {
        $taken = takeArchive($archive, $store);
        echo json_encode($taken, JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE), "\n";
        $attempts[$archive] = ($attempts[$archive] ?? 0) + 1;
        if (! $taken['deleted'] && $attempts[$archive] >= ATTEMPTS) {
            putAside($archive);
        }
    }
} while (waitUntil($next));
