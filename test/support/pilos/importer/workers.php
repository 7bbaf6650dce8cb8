<?php

/* PILOS' queue workers: processes that run jobs at the same time. */

/**
 * @param callable $job given a name, in a process of its own; returns a report
 * @param callable $settle given the name and the report, in this process
 */
function runWorkers(array $names, int $workers, callable $job, callable $settle): void
{
    $running = [];
    while ($names !== [] || $running !== []) {
        while ($names !== [] && count($running) < $workers) {
            $name = array_shift($names);
            $running[] = [$name, ...startWorker(fn () => $job($name))];
        }
        $ready = array_column($running, 2);
        $none = null;
        stream_select($ready, $none, $none, null);
        foreach ($running as $index => [$name, $pid, $socket]) {
            if (in_array($socket, $ready, true)) {
                unset($running[$index]);
                $settle($name, endWorker($pid, $socket));
            }
        }
        $running = array_values($running);
    }
}

/** @return array process id, and the socket on which the report comes */
function startWorker(callable $job): array
{
    [$reading, $writing] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, STREAM_IPPROTO_IP);
    $pid = pcntl_fork();
    if ($pid === 0) {
        fwrite($writing, json_encode($job(), JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE));
        exit(0);
    }
    fclose($writing);

    return [$pid, $reading];
}

/** A worker that died, as without memory, has reported nothing; Laravel tries its job again. */
function endWorker(int $pid, $socket): array
{
    $report = stream_get_contents($socket);
    pcntl_waitpid($pid, $status);
    $died = ['result' => 'exception', 'reason' => 'the worker died', 'formats' => []];

    return $report === '' ? $died : json_decode($report, true, flags: JSON_THROW_ON_ERROR);
}
