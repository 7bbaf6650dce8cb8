<?php

/*
 * PILOS' importer without Laravel: PharData and SimpleXML are the real ones, the rest is what was measured of it.
 * START READING HERE.
 *
 *   php importer.php OPTIONS, a JSON object:
 *     spool, store         directories; PILOS has its recordings and its database in `store`
 *     workers              imports at the same time
 *     retrySeconds         how long an import is tried that throws; an hour in PILOS
 *     pauseMilliseconds    at most so long, by chance, an archive stays after it was read
 *     intervalSeconds      null: one round. Else a round every so many seconds, until stdin is closed
 *
 * Writes a line of JSON for each try of an import to stdout, and one when it holds an archive because of the file
 * `hold` in the store.
 */

require __DIR__ . '/jobs.php';
require __DIR__ . '/workers.php';

// As Laravel does: every warning is an exception, unless it was silenced.
set_error_handler(function (int $level, string $message): bool {
    if ((error_reporting() & $level) === 0) {
        return true;
    }
    throw new ErrorException($message, 0, $level);
});

function importRound(Jobs $jobs, int $workers): void
{
    $settle = function (string $archive, array $report) use ($jobs): void {
        $settled = ['archive' => $archive] + $jobs->settle($archive, $report);
        fwrite(STDOUT, json_encode($settled, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES) . "\n");
    };
    runWorkers($jobs->collect(), $workers, fn (string $archive) => $jobs->attempt($archive), $settle);
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

$options = json_decode($argv[1], true, flags: JSON_THROW_ON_ERROR);
$jobs = new Jobs($options);
$interval = $options['intervalSeconds'];
do {
    $next = microtime(true) + ($interval ?? 0);
    importRound($jobs, $options['workers']);
} while ($interval !== null && waitUntil($next));
