// The question before a deed: what clients will feel, and the command that does the same.

import { useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core/dist/esm/components/Modal";
import { TextInput } from "@patternfly/react-core/dist/esm/components/TextInput";
import type { Action } from "../words/actions.ts";
import { Command } from "./command.tsx";

type Props = { action: Action; onYes: () => void; onNo: () => void };

export function Confirm({ action, onYes, onNo }: Props) {
    const [typed, setTyped] = useState("");
    const isReady = action.typed === undefined || typed.trim() === action.typed;
    return (
        <Modal
            isOpen
            variant="small"
            onClose={onNo}
            elementToFocus={action.typed === undefined ? "#hbd-yes" : "#hbd-typed"}
            aria-labelledby="hbd-confirm-title"
            aria-describedby="hbd-confirm-body"
            appendTo={() => document.getElementById("hbd") ?? document.body}
        >
            <ModalHeader
                title={action.question}
                labelId="hbd-confirm-title"
                {...(action.isDangerous ? { titleIconVariant: "warning" as const } : {})}
            />
            <ModalBody id="hbd-confirm-body">
                <form
                    className="hbd-confirm"
                    onSubmit={(event) => {
                        event.preventDefault();
                        if (isReady) onYes();
                    }}
                >
                    {action.sentences.map((sentence) => (
                        <p key={sentence}>{sentence}</p>
                    ))}
                    {action.typed !== undefined && (
                        <label className="hbd-typed">
                            <span>
                                Type <strong>{action.typed}</strong> to say that it is off
                            </span>
                            <TextInput
                                id="hbd-typed"
                                value={typed}
                                onChange={(_event, value) => setTyped(value)}
                                autoComplete="off"
                                spellCheck={false}
                                aria-label="Name of the node that is off"
                            />
                        </label>
                    )}
                    <p className="hbd-same">
                        <span className="hbd-subtle">The same in a terminal</span>
                        <Command command={action.command} />
                    </p>
                </form>
            </ModalBody>
            <ModalFooter>
                <Button
                    id="hbd-yes"
                    variant={action.isDangerous ? "danger" : "primary"}
                    isDisabled={!isReady}
                    onClick={onYes}
                >
                    {action.label}
                </Button>
                <Button variant="link" onClick={onNo}>
                    Cancel
                </Button>
            </ModalFooter>
        </Modal>
    );
}
