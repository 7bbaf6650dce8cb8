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
$database = new Database("$store/database.json");

if ($action === 'know') {
    $database->change(function (array &$content) use ($values): void {
        $content['knowsEveryMeeting'] = $content['knowsEveryMeeting'] || in_array('every meeting', $values, true);
        $content['meetings'] = array_values(array_unique([...$content['meetings'], ...$values]));
    });
} elseif ($action === 'delete') {
    [$id] = $values;
    $database->change(function (array &$content) use ($id): void {
        unset($content['recordings'][$id]);
    });
    (new Disk("$store/recordings"))->deleteDirectory($id);
} elseif ($action === 'age') {
    $database->change(function (array &$content) use ($values): void {
        $content['jobs'] = array_map(fn ($since) => $since - (float) $values[0], $content['jobs']);
    });
}
