print("phasedb")
