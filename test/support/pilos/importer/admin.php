<?php

/*
 * What people do in PILOS, and what time does.
 *
 *   php admin.php STORE know MEETING_ID...     holds meetings; 'every meeting' for all that there may be
 *   php admin.php STORE delete RECORDING_ID    deletes a recording
 *   php admin.php STORE age SECONDS            makes every import at work so much older
 */

require __DIR__ . '/disk.php';
require __DIR__ . '/database.php';

[, $store, $action] = $argv;
$values = array_slice($argv, 3);
$database = new Database("$store/database");

if ($action === 'know') {
    $database->change(Database::MEETINGS, function (array &$known) use ($values): void {
        $known = array_values(array_unique([...$known, ...$values]));
    });
} elseif ($action === 'delete') {
    [$id] = $values;
    $database->change(Database::recording($id), function (array &$recording): void {
        $recording = [];
    });
    (new Disk("$store/recordings"))->deleteDirectory($id);
} elseif ($action === 'age') {
    $database->change(Database::JOBS, function (array &$jobs) use ($values): void {
        $jobs = array_map(fn ($since) => $since - (float) $values[0], $jobs);
    });
}
